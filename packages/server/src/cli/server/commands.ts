import { SETTINGS, type SettingName } from '../../config.ts';
import { type CommandSpec, defineLocalCommand, option, required } from '../program/command-spec.ts';
import { wholeNumber } from '../program/values.ts';
import { readSettings, settingsOptions } from './settings-options.ts';

/** Commands that run a server, or work on its store. What they do is loaded when they are run. */
export const SERVER_COMMANDS: readonly CommandSpec[] = [
  defineLocalCommand<Record<string, unknown>>({
    name: 'serve',
    summary:
      'Run the server. Settings come from flags, POSTHORN_* variables and a YAML file, in this order.',
    options: settingsOptions(Object.keys(SETTINGS) as SettingName[]),
    json: null,
    examples: ['posthorn serve --data /var/lib/posthorn --hostname mail.example.com'],
    async run({ options }) {
      // Before what it needs is loaded, which takes seconds: most starts that fail, fail by a setting.
      const settings = readSettings(options);
      return (await import('./serve.ts')).serve(settings);
    },
  }),
  defineLocalCommand<{ once?: boolean; json: boolean; port?: number }>({
    name: 'demo',
    summary:
      'Run Posthorn with a sandbox mail server and a receiver, and send mail through both doors.',
    options: [
      option('--once', 'end when every owed event has arrived'),
      option('--port <number>', 'HTTP port of the demo', wholeNumber(0, 65_535)),
    ],
    json: 'with --once: the last line is one JSON object',
    examples: ['posthorn demo', 'posthorn demo --once --json'],
    async run({ options }) {
      const { runDemo } = await import('../demo/run-demo.ts');
      return runDemo({ ...options, once: options.once === true });
    },
  }),
  defineLocalCommand<Record<string, unknown>>({
    name: 'migrate',
    summary: 'Bring the schema of the store up to date, as each start does, and end.',
    options: settingsOptions(['data', 'databaseUrl']),
    json: null,
    examples: ['posthorn migrate --data /var/lib/posthorn'],
    run: async ({ options }) => (await import('./migrate.ts')).migrate(readSettings(options)),
  }),
  defineLocalCommand<Record<string, unknown>>({
    name: 'rotate-master-key',
    summary:
      'Seal the secrets of a stopped server with a new master key, and put it in the place of the old one.',
    options: settingsOptions(['data', 'databaseUrl', 'masterKey', 'newMasterKey']),
    json: null,
    examples: ['posthorn rotate-master-key --data /var/lib/posthorn'],
    async run({ options }) {
      return (await import('./rotate-master-key.ts')).rotateMasterKey(readSettings(options));
    },
  }),
  defineLocalCommand<{ from: string; to: string }>({
    name: 'move',
    summary:
      'Take everything in the embedded store of a stopped server into an empty PostgreSQL database.',
    options: [
      required('--from <store>', 'sqlite: and the data folder, such as sqlite:posthorn-data'),
      required('--to <url>', 'postgres://user:password@host/database'),
    ],
    json: null,
    examples: ['posthorn move --from sqlite:posthorn-data --to postgres://posthorn@db/posthorn'],
    run: async ({ options }) => (await import('./move.ts')).move(options),
  }),
];
