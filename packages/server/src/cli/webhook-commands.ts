import type { Command } from 'commander';
import { addClientOptions, type ClientFlags } from './api-client.ts';
import type { ProviderInput } from './webhook/provider-request.ts';

interface ProviderOptions {
  secret: string[];
  url?: string;
  tolerance?: number;
  mapping?: string;
  json: boolean;
}

interface SignOptions {
  secret: string;
  id?: string;
  timestamp?: number;
  json: boolean;
}

interface CheckOptions {
  secret: string;
  dialect: string;
  effects?: string;
  ca?: string;
  json: boolean;
}

interface TriggerOptions extends ClientFlags {
  to?: string;
  secret?: string;
  dialect: string;
  endpoint?: string;
  recipient?: string;
  json: boolean;
}

interface ListenOptions extends ClientFlags {
  forward: string;
  secret?: string;
  dialect: string;
  type?: string;
  after: string;
  replay?: string[];
  json: boolean;
}

const ENVELOPE = '{method, url, headers, body or body_b64} on standard input';

const collect = (value: string, earlier: string[]): string[] => [...earlier, value];

function addProviderOptions(command: Command): Command {
  return command
    .option(
      '--secret <value>',
      'what it is signed with; may be repeated; @FILE reads it',
      collect,
      [],
    )
    .option('--url <url>', 'the URL as the provider has it, where that is signed')
    .option('--tolerance <seconds>', 'how old a signature may be (default: no limit)', Number)
    .option('--mapping <file>', 'for the provider "generic": which path is which field');
}

function toProviderInput(
  provider: string,
  { secret, tolerance, ...rest }: ProviderOptions,
): ProviderInput {
  const toleranceSeconds = tolerance === undefined ? {} : { toleranceSeconds: tolerance };
  return { provider, secrets: secret, ...toleranceSeconds, ...rest };
}

/** The commands for who writes and runs a receiver of webhooks. */
export function addWebhookCommands(program: Command, end: (exitCode: number) => void): void {
  addProviderOptions(program.command('decode <provider>'))
    .description(`Verify and decode a provider's webhook: ${ENVELOPE}.`)
    .option('--no-verify', 'decode without looking at the signature')
    .option('--json', 'errors as JSON', false)
    .action(async (provider: string, options: ProviderOptions & { verify: boolean }) => {
      const { decodeWebhook } = await import('./decode.ts');
      end(await decodeWebhook({ ...toProviderInput(provider, options), verify: options.verify }));
    });

  addProviderOptions(program.command('verify <provider>'))
    .description(`Say whether a webhook is from the provider: ${ENVELOPE}.`)
    .option('--json', 'one JSON object', false)
    .action(async (provider: string, options: ProviderOptions) => {
      const { verifyWebhook } = await import('./verify.ts');
      end(await verifyWebhook(toProviderInput(provider, options)));
    });

  program
    .command('sign <dialect>')
    .description(`Sign a webhook and print its headers: ${ENVELOPE}.`)
    .requiredOption('--secret <secret>', 'what signs; @FILE reads it')
    .option('--id <id>', 'of the event (default: a new one)')
    .option('--timestamp <seconds>', 'when it says that it was signed (default: now)', Number)
    .option('--json', 'the whole request, as verify and decode read it', false)
    .action(async (dialect: string, options: SignOptions) => {
      const { signWebhook } = await import('./sign.ts');
      end(await signWebhook({ dialect, ...options }));
    });

  program
    .command('check <url>')
    .description(
      'Test a receiver of webhooks against what a hostile network does, and say what to change.',
    )
    .requiredOption('--secret <secret>', 'what it verifies with; @FILE reads it')
    .option('--dialect <name>', 'the format that it expects', 'standard')
    .option('--effects <url>', 'answers GET with a text that changes when an event is handled')
    .option('--ca <file>', 'certificate of a private authority that the receiver uses')
    .option('--json', 'one JSON object', false)
    .action(async (url: string, options: CheckOptions) => {
      const { checkEndpoint } = await import('./check.ts');
      end(await checkEndpoint({ url, ...options }));
    });

  const trigger = program
    .command('trigger <type>')
    .description('Send a sample event: into the log of a server, to one endpoint, or to a URL.')
    .option('--to <url>', 'straight to a receiver, past any server')
    .option('--secret <secret>', 'with --to: what the receiver verifies with; @FILE reads it')
    .option('--dialect <name>', 'with --to: the format', 'standard')
    .option('--endpoint <id>', 'to this endpoint of the server alone')
    .option('--recipient <address>', 'whom it is about')
    .option('--json', 'one JSON object', false);
  addClientOptions(trigger).action(async (type: string, options: TriggerOptions) => {
    const { triggerEvent } = await import('./trigger.ts');
    end(await triggerEvent({ type, ...options }));
  });

  const listen = program
    .command('listen')
    .description('Hand the events of a server on to a receiver on this machine, as they come.')
    .requiredOption('--forward <url>', 'the receiver, such as http://localhost:3000/hook')
    .option('--secret <secret>', "what it verifies with (default: this machine's); @FILE reads it")
    .option('--dialect <name>', 'the format', 'standard')
    .option('--type <types>', 'only these types or families, separated by commas')
    .option('--after <place>', 'where to begin: start, now, or a cursor', 'now')
    .option('--replay <event...>', 'send these ids, or "last N", once more, and end')
    .option('--json', 'one JSON object a line', false);
  addClientOptions(listen).action(async (options: ListenOptions) => {
    const { listen: listenTo } = await import('./listen.ts');
    end(await listenTo(options));
  });
}
