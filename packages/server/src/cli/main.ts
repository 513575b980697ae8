import { Command, CommanderError } from 'commander';
import { SETTINGS, type SettingName, settingFlag, settingVariable } from '../config.ts';
import { VERSION } from '../main.ts';
import { addClientOptions, type ClientFlags } from './api-client.ts';
import type { RedecodeInput } from './redecode.ts';
import { addWebhookCommands } from './webhook-commands.ts';

/** The `posthorn` command. `argv` without node and script. Resolves with the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('posthorn')
    .description('Send email, and hear what becomes of it.')
    .version(VERSION)
    .showHelpAfterError('(posthorn --help lists the commands)')
    .exitOverride();

  const serve = program
    .command('serve')
    .description(
      'Run the server. Settings come from flags, POSTHORN_* variables and a YAML file, in this order.',
    )
    .option('--config <file>', 'YAML file with settings [POSTHORN_CONFIG]')
    .action(async (options: Record<string, string>) => {
      const { config: file, ...flags } = options;
      const command = await import('./serve.ts');
      exitCode = await command.serve({ flags, ...(file === undefined ? {} : { file }) });
    });
  addSettings(serve, Object.keys(SETTINGS) as SettingName[]);

  const rotate = program
    .command('rotate-master-key')
    .description(
      'Seal the secrets of a stopped server with a new master key, and put it in the place of the old one.',
    )
    .option('--config <file>', 'YAML file with settings [POSTHORN_CONFIG]')
    .action(async (options: Record<string, string>) => {
      const { config: file, ...flags } = options;
      const command = await import('./rotate-master-key.ts');
      exitCode = await command.rotateMasterKey({ flags, ...(file === undefined ? {} : { file }) });
    });
  addSettings(rotate, ['data', 'databaseUrl', 'masterKey', 'newMasterKey']);

  const migrate = program
    .command('migrate')
    .description('Bring the schema of the store up to date, as each start does, and end.')
    .option('--config <file>', 'YAML file with settings [POSTHORN_CONFIG]')
    .action(async (options: Record<string, string>) => {
      const { config: file, ...flags } = options;
      const command = await import('./migrate.ts');
      exitCode = await command.migrate({ flags, ...(file === undefined ? {} : { file }) });
    });
  addSettings(migrate, ['data', 'databaseUrl']);

  program
    .command('move')
    .description(
      'Take everything in the embedded store of a stopped server into an empty PostgreSQL database.',
    )
    .requiredOption('--from <store>', 'sqlite: and the data folder, such as sqlite:posthorn-data')
    .requiredOption('--to <url>', 'postgres://user:password@host/database')
    .action(async (options: { from: string; to: string }) => {
      const command = await import('./move.ts');
      exitCode = await command.move(options);
    });

  addClientOptions(
    program.command('nodes').description('Show who works on the database of a running server.'),
  )
    .option('--json', 'the answer of the server as JSON', false)
    .action(async (options: ClientFlags & { json: boolean }) => {
      const { showNodes } = await import('./nodes.ts');
      exitCode = await showNodes(options);
    });

  addClientOptions(
    program
      .command('redecode')
      .description(
        'Have a running server read kept webhooks of sources again, and wait for the end.',
      ),
  )
    .option('--source <id>', 'of this source; all of them if left out')
    .option('--since <time>', 'that came in since this time, or so long ago: 7d')
    .option('--dry-run', 'only count what it would do', false)
    .option('--json', 'the job as JSON', false)
    .action(async (options: RedecodeInput) => {
      const command = await import('./redecode.ts');
      exitCode = await command.redecode(options);
    });

  program
    .command('bounce')
    .description(
      'Read a bounce, complaint or auto-reply (a file, or standard input) and print what it says as JSON.',
    )
    .argument('[file]', 'the mail; standard input if left out')
    .action(async (file: string | undefined) => {
      const { readBounceMail } = await import('./bounce.ts');
      exitCode = await readBounceMail(file);
    });

  addWebhookCommands(program, (code) => {
    exitCode = code;
  });

  program
    .command('demo')
    .description(
      'Run Posthorn with a sandbox mail server and a receiver, and send mail through both doors.',
    )
    .option('--once', 'end when every owed event has arrived', false)
    .option('--json', 'with --once: the last line is one JSON object', false)
    .option('--port <number>', 'HTTP port of the demo')
    .action(async (options: { once: boolean; json: boolean; port?: string }) => {
      const { runDemo } = await import('./demo.ts');
      const port = options.port === undefined ? {} : { port: Number(options.port) };
      exitCode = await runDemo({ once: options.once, json: options.json, ...port });
    });

  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  return exitCode;
}

/** Options for settings, described as in docs/configuration.md. */
function addSettings(command: Command, names: readonly SettingName[]): void {
  for (const name of names) {
    const { description, default: fallback } = SETTINGS[name];
    const shown = fallback === '' ? '' : ` (default: ${fallback})`;
    command.option(
      `${settingFlag(name)} <value>`,
      `${description}${shown} [${settingVariable(name)}]`,
    );
  }
}
