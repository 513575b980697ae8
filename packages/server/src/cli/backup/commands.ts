import { join } from 'node:path';
import { ConfigError } from '../../config.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Printer } from '../output/printer.ts';
import { type CommandSpec, defineLocalCommand } from '../program/command-spec.ts';
import { readSettings, settingsOptions } from '../server/settings-options.ts';
import type { Restored } from './restore.ts';

const KEY_ADVICE =
  'The master key is not in it. Without that key its secrets cannot be opened: keep master.key (or POSTHORN_MASTER_KEY) elsewhere.';

const POSTGRES_ADVICE =
  'This server keeps everything in PostgreSQL, whose own tools back it up while nodes run: pg_dump --format=custom --file posthorn.dump, with the user and database of database_url, and pg_restore --clean --if-exists; or a base backup with archived WAL for a point in time (docs/operations.md).';

export const BACKUP_COMMANDS: readonly CommandSpec[] = [
  defineLocalCommand<Record<string, unknown>>({
    name: 'backup',
    summary:
      'Copy the store into a file, also while the server runs, and read the copy to its end.',
    args: ['[file]'],
    options: settingsOptions(['data', 'databaseUrl']),
    json: 'what was copied as JSON',
    examples: ['posthorn backup --data /var/lib/posthorn /backup/posthorn-monday.sqlite'],
    async run({ args: [given], options, print, world }) {
      const { loadConfig } = await import('../../config/load-config.ts');
      const { backUp } = await import('./back-up.ts');
      const config = loadConfig({ ...readSettings(options), env: world.env });
      if (config.databaseUrl !== null) throw new ConfigError(POSTGRES_ADVICE);
      const nowMs = world.nowMs();
      const file = given ?? `posthorn-${stampOf(nowMs)}.sqlite`;
      return sayFailure(print, world.writeError, async () => {
        const manifest = await backUp({
          data: config.data,
          file,
          nowMs,
          onProgress: (pages, total) => print.progress(`copied ${pages} of ${total} pages`),
        });
        const { messages = 0, events = 0 } = manifest.tables;
        print.thing({ file, ...manifest }, () => [
          `${file}: ${manifest.size_bytes} bytes with ${messages} messages and ${events} events, read to its end.`,
          `SHA-256 ${manifest.sha256}, also in ${file}.json.`,
          KEY_ADVICE,
        ]);
      });
    },
  }),
  defineLocalCommand<Record<string, unknown>>({
    name: 'restore',
    summary:
      'Check a backup and put it into a data folder that has no store; it writes nothing over.',
    args: ['<file>'],
    options: settingsOptions(['data', 'databaseUrl', 'masterKey']),
    json: 'what was restored as JSON',
    examples: ['posthorn restore /backup/posthorn-monday.sqlite --data /var/lib/posthorn'],
    async run({ args: [file = ''], options, print, world }) {
      const { loadConfig } = await import('../../config/load-config.ts');
      const { restore } = await import('./restore.ts');
      const { checkMasterKey } = await import('./check-master-key.ts');
      const config = loadConfig({ ...readSettings(options), env: world.env });
      if (config.databaseUrl !== null) throw new ConfigError(POSTGRES_ADVICE);
      return sayFailure(print, world.writeError, async () => {
        const restored = await restore({ file, data: config.data });
        const masterKey = await checkMasterKey(config);
        const { contents, manifest } = restored;
        const isVerified = manifest !== null;
        print.thing(
          { data: config.data, ...contents, checksum: isVerified, master_key: masterKey },
          () => [
            ...describeRestored(restored, config.data),
            ...describeKey(masterKey, config.data),
            'Whatever was due when the backup was made is due again: mail and webhooks that were sent since are sent once more. To look first: posthorn serve --roles api',
          ],
        );
      });
    },
  }),
];

/** What stands in the way of a backup is said, and nothing of it is a fault of ours. */
async function sayFailure(
  print: Printer,
  writeError: (text: string) => void,
  work: () => Promise<void>,
): Promise<number> {
  try {
    await work();
    return 0;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const message = messageOf(error);
    writeError(
      print.json ? `${JSON.stringify({ code: 'failed', message })}\n` : `posthorn: ${message}\n`,
    );
    return 1;
  }
}

function describeRestored({ contents, manifest }: Restored, data: string): string[] {
  const { messages = 0, events = 0, endpoints = 0 } = contents.tables;
  const made = manifest === null ? '' : `, as of ${manifest.made_at}`;
  return [
    `${data} has the store with ${messages} messages, ${events} events and ${endpoints} endpoints${made}.`,
    manifest === null
      ? 'There was no .json beside the backup, so that its checksum is unknown; the database itself is whole.'
      : 'Checksum, integrity and counts are right.',
  ];
}

function describeKey(state: string, data: string): string[] {
  if (state === 'fits') return ['The master key opens its secrets.'];
  if (state === 'unused') return [];
  const where = `Put the one of its time into ${join(data, 'master.key')}, or set POSTHORN_MASTER_KEY, before the first start.`;
  return [
    state === 'missing'
      ? `There is no master key. ${where}`
      : `The master key does not open its secrets. ${where}`,
  ];
}

const stampOf = (nowMs: number): string =>
  new Date(nowMs)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
