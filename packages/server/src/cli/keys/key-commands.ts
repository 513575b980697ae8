import { KEY_MODES } from '../../core/key-mode.ts';
import { SCOPES } from '../../core/scopes.ts';
import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { type TableColumn, toShortTime } from '../output/table.ts';
import { choice, defineCommand, option, type ServerCommandSpec } from '../program/command-spec.ts';
import { confirm } from '../program/confirm.ts';
import { given } from '../program/values.ts';

/** As `GET /v1/keys` says it (http/api/keys/key-schema.ts). */
interface KeyView {
  id: string;
  name: string;
  hint: string;
  scopes: string[];
  mode: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}

const COLUMNS: readonly TableColumn<KeyView>[] = [
  { head: 'key', text: ({ id }) => id },
  { head: 'name', minWidth: 8, text: ({ name }) => name },
  { head: 'ends with', minWidth: 4, text: ({ hint }) => hint },
  { head: 'mode', text: ({ mode }) => mode },
  { head: 'scopes', minWidth: 6, text: ({ scopes }) => scopes.join(',') },
  {
    head: 'last used',
    minWidth: 5,
    text: ({ last_used_at }) => (last_used_at === null ? 'never' : toShortTime(last_used_at)),
  },
];

const listKeys = defineCommand<PageOptions>({
  name: 'keys list',
  summary: "List the project's API keys.",
  options: pageOptions(),
  examples: ['posthorn keys list'],
  run: (call) =>
    printList<KeyView>(call, '/v1/keys', { columns: COLUMNS, empty: 'There is no key.' }),
});

interface CreateOptions {
  scope: string[];
  mode?: string;
  expiresAt?: string;
}

const createKey = defineCommand<CreateOptions>({
  name: 'keys create',
  summary: 'Create an API key, and show it this once.',
  args: ['<name>'],
  options: [
    choice('--scope <scope...>', 'what it may do', SCOPES).makeOptionMandatory(),
    choice('--mode <mode>', 'what becomes of messages that are sent with it', KEY_MODES),
    option('--expires-at <time>', 'until when, such as 2026-12-31T00:00:00Z'),
  ],
  json: "the server's answer as JSON, with the key",
  examples: [
    'posthorn keys create "web shop" --scope send',
    'posthorn keys create ci --scope read events',
  ],
  async run({ args: [name], client, options, print }) {
    const { scope, mode, expiresAt } = options;
    const body = { name, scopes: scope, ...given({ mode, expires_at: expiresAt }) };
    const created = await client.post<KeyView & { key: string }>('/v1/keys', body);
    print.thing(created, () => [
      created.key,
      '',
      `The key "${created.name}" (${created.id}) may: ${created.scopes.join(', ')}. It is shown this once.`,
    ]);
    return 0;
  },
});

const revokeKey = defineCommand<{ yes?: boolean }>({
  name: 'keys revoke',
  summary: 'End an API key at once.',
  args: ['<id>'],
  options: [option('--yes', 'do not ask')],
  json: 'what was revoked as JSON',
  examples: ['posthorn keys revoke key_... --yes'],
  async run({ args: [id = ''], client, options, print, world }) {
    const path = `/v1/keys/${encodeURIComponent(id)}`;
    const { name } = await client.get<KeyView>(path);
    if (!(await confirm(`Revoke the key "${name}"?`, { yes: options.yes, world }))) return 1;
    await client.remove(path);
    print.thing({ id, name, revoked: true }, () => [`Revoked: ${name}`]);
    return 0;
  },
});

export const KEY_COMMANDS: readonly ServerCommandSpec[] = [listKeys, createKey, revokeKey];
