import type { Option } from 'commander';
import type { ClientFlags } from '../client/client-settings.ts';
import {
  type CommandSpec,
  defineLocalCommand,
  option,
  repeated,
  required,
} from '../program/command-spec.ts';
import { seconds } from '../program/values.ts';
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

const providerOptions = (): Option[] => [
  repeated('--secret <value>', 'what it is signed with; may be repeated; @FILE reads it'),
  option('--url <url>', 'the URL as the provider has it, where that is signed'),
  option('--tolerance <seconds>', 'how old a signature may be (default: no limit)', seconds),
  option('--mapping <file>', 'for the provider "generic": which path is which field'),
];

function toProviderInput(
  provider: string | undefined,
  { secret, tolerance, ...rest }: ProviderOptions,
): ProviderInput {
  const toleranceSeconds = tolerance === undefined ? {} : { toleranceSeconds: tolerance };
  return { provider: provider ?? '', secrets: secret, ...toleranceSeconds, ...rest };
}

/** Commands for who writes and runs a receiver of webhooks. What they do is loaded when they are run. */
export const RECEIVER_COMMANDS: readonly CommandSpec[] = [
  defineLocalCommand<CheckOptions>({
    name: 'check',
    summary:
      'Test a receiver of webhooks against what a hostile network does, and say what to change.',
    args: ['<url>'],
    options: [
      required('--secret <secret>', 'what it verifies with; @FILE reads it'),
      option('--dialect <name>', 'the format that it expects').default('standard'),
      option('--effects <url>', 'answers GET with a text that changes when an event is handled'),
      option('--ca <file>', 'certificate of a private authority that the receiver uses'),
    ],
    json: 'one JSON object',
    examples: ['posthorn check http://localhost:3000/hook --secret @secret.txt'],
    async run({ args: [url = ''], options }) {
      const { checkEndpoint } = await import('./check.ts');
      return checkEndpoint({ url, ...options });
    },
  }),
  defineLocalCommand<ListenOptions>({
    name: 'listen',
    summary: 'Hand the events of a server on to a receiver on this machine, as they come.',
    asksServer: true,
    options: [
      required('--forward <url>', 'the receiver, such as http://localhost:3000/hook'),
      option(
        '--secret <secret>',
        "what it verifies with (default: this machine's); @FILE reads it",
      ),
      option('--dialect <name>', 'the format').default('standard'),
      option('--type <types>', 'only these types or families, separated by commas'),
      option('--after <place>', 'where to begin: start, now, or a cursor').default('now'),
      option('--replay <event...>', 'send these ids, or "last N", once more, and end'),
    ],
    examples: [
      'posthorn listen --forward http://localhost:3000/hook',
      'posthorn listen --forward http://localhost:3000/hook --replay last 3',
    ],
    async run({ options }) {
      const { listen } = await import('./listen.ts');
      return listen(options);
    },
  }),
  defineLocalCommand<TriggerOptions>({
    name: 'trigger',
    summary: 'Send a sample event: into the log of a server, to one endpoint, or to a URL.',
    args: ['<type>'],
    asksServer: true,
    options: [
      option('--to <url>', 'straight to a receiver, past any server'),
      option('--secret <secret>', 'with --to: what the receiver verifies with; @FILE reads it'),
      option('--dialect <name>', 'with --to: the format').default('standard'),
      option('--endpoint <id>', 'to this endpoint of the server alone'),
      option('--recipient <address>', 'whom it is about'),
    ],
    json: 'one JSON object',
    examples: [
      'posthorn trigger email.bounced',
      'posthorn trigger bounced --to http://localhost:3000/hook --secret @secret.txt',
    ],
    async run({ args: [type = ''], options }) {
      const { triggerEvent } = await import('./trigger.ts');
      return triggerEvent({ type, ...options });
    },
  }),
  defineLocalCommand<ProviderOptions & { verify: boolean }>({
    name: 'decode',
    summary: `Verify and decode a provider's webhook: ${ENVELOPE}.`,
    args: ['<provider>'],
    options: [
      ...providerOptions(),
      option('--no-verify', 'decode without looking at the signature'),
    ],
    json: 'errors as JSON',
    examples: ['posthorn decode sendgrid --secret @key.txt < request.json'],
    async run({ args: [provider], options }) {
      const { decodeWebhook } = await import('./decode.ts');
      return decodeWebhook({ ...toProviderInput(provider, options), verify: options.verify });
    },
  }),
  defineLocalCommand<ProviderOptions>({
    name: 'verify',
    summary: `Say whether a webhook is from the provider: ${ENVELOPE}.`,
    args: ['<provider>'],
    options: providerOptions(),
    json: 'one JSON object',
    examples: ['posthorn verify sendgrid --secret @key.txt < request.json'],
    async run({ args: [provider], options }) {
      const { verifyWebhook } = await import('./verify.ts');
      return verifyWebhook(toProviderInput(provider, options));
    },
  }),
  defineLocalCommand<SignOptions>({
    name: 'sign',
    summary: `Sign a webhook and print its headers: ${ENVELOPE}.`,
    args: ['<dialect>'],
    options: [
      required('--secret <secret>', 'what signs; @FILE reads it'),
      option('--id <id>', 'of the event (default: a new one)'),
      option('--timestamp <seconds>', 'when it says that it was signed (default: now)', seconds),
    ],
    json: 'the whole request, as verify and decode read it',
    examples: ['posthorn sign standard --secret @secret.txt < request.json'],
    async run({ args: [dialect = ''], options }) {
      const { signWebhook } = await import('./sign.ts');
      return signWebhook({ dialect, ...options });
    },
  }),
  defineLocalCommand<object>({
    name: 'bounce',
    summary:
      'Read a bounce, complaint or auto-reply (a file, or standard input) and print what it says as JSON.',
    args: ['[file]'],
    json: null,
    examples: ['posthorn bounce returned.eml'],
    async run({ args: [file] }) {
      const { readBounceMail } = await import('./bounce.ts');
      return readBounceMail(file);
    },
  }),
];
