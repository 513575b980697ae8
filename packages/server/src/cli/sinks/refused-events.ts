import type { ApiClient } from '../client/api-client.ts';
import { type PageOptions, pageOptions, printList, readPages } from '../client/list-pages.ts';
import type { TableColumn } from '../output/table.ts';
import { defineCommand, option, repeated } from '../program/command-spec.ts';
import { findSink } from './find-sink.ts';
import { type SinkView, sinkPath } from './sink-view.ts';

/** As `GET /v1/sinks/{id}/refused` says it. */
interface RefusedView {
  event_id: string;
  event_type: string | null;
  recipient: string | null;
  code: string;
  detail: string;
  refused_at: string;
}

const COLUMNS: readonly TableColumn<RefusedView>[] = [
  { head: 'event', text: ({ event_id }) => event_id },
  { head: 'type', minWidth: 8, text: ({ event_type }) => event_type ?? '-' },
  { head: 'recipient', minWidth: 9, text: ({ recipient }) => recipient ?? '-' },
  { head: 'code', minWidth: 8, text: ({ code }) => code },
  { head: 'why', minWidth: 16, text: ({ detail }) => detail },
];

export const listRefused = defineCommand<PageOptions>({
  name: 'sinks refused',
  summary: 'List the events that a sink would not take: its dead letters.',
  args: ['<name-or-id>'],
  options: pageOptions(),
  examples: ['posthorn sinks refused warehouse'],
  async run(call) {
    const sink = await findSink(call.client, call.args[0]);
    return printList<RefusedView>(call, `${sinkPath(sink)}/refused`, {
      columns: COLUMNS,
      empty: `${sink.name} has refused nothing that is kept.`,
    });
  },
});

interface Resent {
  sent: number;
  refused: number;
  gone: number;
}

/** So many a request, as the API takes them. */
const PIECE = 50;

export const resendRefused = defineCommand<{ event: readonly string[]; all?: boolean }>({
  name: 'sinks resend',
  summary:
    'Send events once more that a sink has refused; the exit code is 1 when one is refused again.',
  args: ['<name-or-id>'],
  options: [
    repeated('--event <id>', 'this event; may be repeated (default: the newest 50)'),
    option('--all', 'all that it refused'),
  ],
  json: 'how many as JSON',
  examples: [
    'posthorn sinks resend warehouse --all',
    'posthorn sinks resend warehouse --event evt_...',
  ],
  async run({ args: [id], client, options, print }) {
    const sink = await findSink(client, id);
    const ids = options.all === true ? await refusedIds(client, sink) : options.event;
    const total: Resent = { sent: 0, refused: 0, gone: 0 };
    for (const part of piecesOf(ids)) {
      const resent = await client.post<Resent>(`${sinkPath(sink)}/refused/resend`, part);
      total.sent += resent.sent;
      total.refused += resent.refused;
      total.gone += resent.gone;
      print.progress(describe(total));
    }
    print.thing(total, () => [describe(total)]);
    return total.refused === 0 ? 0 : 1;
  },
});

/** Read before the first is sent: what is taken leaves the list. */
async function refusedIds(client: ApiClient, sink: SinkView): Promise<string[]> {
  const ids: string[] = [];
  const options = { query: {}, limit: Number.POSITIVE_INFINITY };
  for await (const { rows } of readPages<RefusedView>(
    client,
    `${sinkPath(sink)}/refused`,
    options,
  )) {
    ids.push(...rows.map(({ event_id }) => event_id));
  }
  return ids;
}

/** Bodies of requests; without ids the server takes the newest. */
function piecesOf(ids: readonly string[]): { event_ids?: string[] }[] {
  if (ids.length === 0) return [{}];
  return Array.from({ length: Math.ceil(ids.length / PIECE) }, (_, i) => ({
    event_ids: ids.slice(i * PIECE, (i + 1) * PIECE),
  }));
}

const describe = ({ sent, refused, gone }: Resent): string =>
  `${sent} sent, ${refused} refused again, ${gone} no longer kept`;
