import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { renderFields, type TableColumn, toShortTime } from '../output/table.ts';
import {
  defineCommand,
  option,
  repeated,
  type ServerCommandSpec,
} from '../program/command-spec.ts';
import { confirm } from '../program/confirm.ts';
import { given, readObject, readText } from '../program/values.ts';

/** As `GET /v1/sources` says it (http/api/sources/source-json.ts). */
interface SourceView {
  id: string;
  name: string;
  provider: string;
  secrets: number;
  activity: {
    requests: number;
    events: number;
    refused: number;
    last_request_at: string | null;
    last_refusal: { at: string; code: string; detail: string } | null;
    stalled_since: string | null;
  };
  created_at: string;
}

const COLUMNS: readonly TableColumn<SourceView>[] = [
  { head: 'source', text: ({ id }) => id },
  { head: 'provider', minWidth: 8, text: ({ provider }) => provider },
  { head: 'name', minWidth: 6, text: ({ name }) => name },
  { head: 'events', align: 'right', text: ({ activity }) => activity.events },
  { head: 'refused', align: 'right', text: ({ activity }) => activity.refused },
  { head: 'last', minWidth: 10, text: ({ activity }) => timeOf(activity.last_request_at) },
];

const timeOf = (timestamp: string | null): string | null =>
  timestamp === null ? null : toShortTime(timestamp);

function renderSource(source: SourceView): string[] {
  const { activity } = source;
  const { last_refusal: refusal } = activity;
  return renderFields([
    ['source', source.id],
    ['provider', source.provider],
    ['name', source.name],
    ['secrets', source.secrets],
    ['events', `${activity.events} of ${activity.requests} webhooks`],
    ['refused', activity.refused],
    ['last webhook', timeOf(activity.last_request_at)],
    [
      'last refusal',
      refusal === null ? null : `${toShortTime(refusal.at)} ${refusal.code}: ${refusal.detail}`,
    ],
    ['silent since', timeOf(activity.stalled_since)],
  ]);
}

const pathOf = (id: string | undefined): string => `/v1/sources/${encodeURIComponent(id ?? '')}`;

const listSources = defineCommand<PageOptions>({
  name: 'sources list',
  summary: 'List the providers whose webhooks come in.',
  options: pageOptions(),
  examples: ['posthorn sources list'],
  run: (call) =>
    printList<SourceView>(call, '/v1/sources', {
      columns: COLUMNS,
      empty: 'There is no source yet. "posthorn sources create PROVIDER" makes one.',
    }),
});

interface CreateOptions {
  name?: string;
  secret: string[];
  stream?: string;
  fields?: string;
}

const createSource = defineCommand<CreateOptions>({
  name: 'sources create',
  summary: "Take in a provider's webhooks, and show the URL to give to it.",
  args: ['<provider>'],
  options: [
    option('--name <text>', 'for people'),
    repeated('--secret <value>', 'what the provider signs with; @FILE reads it; may be repeated'),
    option('--stream <stream>', 'of its events, where the provider names none'),
    option(
      '--fields <file>',
      'JSON with any other fields (docs/sources.md); - reads standard input',
    ),
  ],
  json: "the server's answer as JSON",
  examples: ['posthorn sources create sendgrid --secret @verification-key.txt'],
  async run({ args: [provider], client, options, print, world }) {
    const { name, stream } = options;
    const read =
      options.fields === undefined ? {} : await readObject(options.fields, world, '--fields');
    const secrets = await Promise.all(
      options.secret.map(async (one) =>
        one.startsWith('@') ? (await readText(one.slice(1), world, '--secret')).trim() : one,
      ),
    );
    const body = { ...read, provider, ...given({ name, secrets, stream }) };
    const created = await client.post<SourceView & { url: string | null; path: string }>(
      '/v1/sources',
      body,
    );
    print.thing(created, () => [
      ...renderSource(created),
      '',
      `Give ${created.provider} this URL: ${created.url ?? client.url + created.path}`,
    ]);
    return 0;
  },
});

const showSource = defineCommand<object>({
  name: 'sources show',
  summary: 'Show a source, and what came in from it.',
  args: ['<id>'],
  json: 'the source as JSON',
  examples: ['posthorn sources show src_...'],
  async run({ args: [id], client, print }) {
    const source = await client.get<SourceView>(pathOf(id));
    print.thing(source, () => renderSource(source));
    return 0;
  },
});

const deleteSource = defineCommand<{ yes?: boolean }>({
  name: 'sources delete',
  summary: 'Delete a source; its URL takes nothing any more.',
  args: ['<id>'],
  options: [option('--yes', 'do not ask')],
  json: 'what was deleted as JSON',
  examples: ['posthorn sources delete src_... --yes'],
  async run({ args: [id], client, options, print, world }) {
    const { id: found, name } = await client.get<SourceView>(pathOf(id));
    if (!(await confirm(`Delete ${found} (${name})?`, { yes: options.yes, world }))) return 1;
    await client.remove(pathOf(found));
    print.thing({ id: found, name, deleted: true }, () => [`Deleted: ${found}`]);
    return 0;
  },
});

export const SOURCE_COMMANDS: readonly ServerCommandSpec[] = [
  listSources,
  createSource,
  showSource,
  deleteSource,
];
