import { stateOf } from '../endpoints/endpoint-view.ts';
import { renderTable, type TableColumn, toShortTime } from '../output/table.ts';
import type { World } from '../program/world.ts';
import type { QueueView, Snapshot } from './read-snapshot.ts';

/** A second; null while it cannot be told. */
export interface Rates {
  messages: number;
  events: number;
  posts: number;
  failedPosts: number;
}

/** From two looks. Null for one look, without counters, and when another node or a new process answered. */
export function ratesOf(before: Snapshot | null, now: Snapshot): Rates | null {
  const [from, to] = [before?.counters ?? null, now.counters];
  if (before === null || from === null || to === null) return null;
  const seconds = (now.atMs - before.atMs) / 1_000;
  if (seconds <= 0 || to.events < from.events || to.posts < from.posts) return null;
  return {
    messages: Math.max(0, to.messages - from.messages) / seconds,
    events: (to.events - from.events) / seconds,
    posts: (to.posts - from.posts) / seconds,
    failedPosts: Math.max(0, to.failedPosts - from.failedPosts) / seconds,
  };
}

/** Longest queues that are shown; the others are in the sum. */
const SHOWN_QUEUES = 10;

export function renderTop(
  { now, before, url }: { now: Snapshot; before: Snapshot | null; url: string },
  { width, colors }: { width: number; colors: World['colors'] },
): string[] {
  const rates = ratesOf(before, now);
  const { queue, troubled, nodes } = now;
  const table = <Row>(rows: readonly Row[], columns: readonly TableColumn<Row>[]): string[] =>
    renderTable(rows, columns, { width, colors, hasHead: true });
  const busy = queue.data.filter(({ depth }) => depth > 0).slice(0, SHOWN_QUEUES);
  return [
    `${colors.bold(url)}  ${toShortTime(new Date(now.atMs).toISOString())}`,
    '',
    `messages ${perSecond(rates?.messages)}   events ${perSecond(rates?.events)}   posts ${perSecond(rates?.posts)}   failed ${perSecond(rates?.failedPosts)}`,
    `waiting  ${countOf(queue)}   lag ${queue.lag_seconds.toFixed(1)} s`,
    ...(busy.length === 0 ? [] : ['', ...table(busy, QUEUE_COLUMNS)]),
    '',
    ...(troubled.length === 0
      ? ['No endpoint is failing.']
      : troubled.map((endpoint) => {
          const state = stateOf(endpoint);
          const since = endpoint.health.failing_since;
          const when = since === null ? '' : ` since ${toShortTime(since)}`;
          const paint = state === 'failing' ? colors.red : colors.yellow;
          return `${paint(state)}${when}  ${endpoint.uid ?? endpoint.id}  ${endpoint.url}`;
        })),
    ...(nodes === null ? [] : ['', ...table(nodes, NODE_COLUMNS)]),
  ];
}

const perSecond = (rate: number | undefined): string =>
  rate === undefined ? '-' : `${rate.toFixed(rate < 10 ? 1 : 0)}/s`;

const countOf = ({ depth, at_least }: { depth: number; at_least: boolean }): string =>
  `${depth}${at_least ? '+' : ''}`;

const QUEUE_COLUMNS: readonly TableColumn<QueueView['data'][number]>[] = [
  {
    head: 'endpoint',
    minWidth: 16,
    text: ({ endpoint_uid, endpoint_url, endpoint_id }) =>
      endpoint_uid ?? endpoint_url ?? endpoint_id,
  },
  { head: 'waiting', align: 'right', text: countOf },
  { head: 'due', align: 'right', text: ({ due }) => due },
  { head: 'later', align: 'right', text: ({ scheduled }) => scheduled },
  { head: 'lag', align: 'right', text: ({ lag_seconds }) => `${lag_seconds.toFixed(1)}s` },
];

const NODE_COLUMNS: readonly TableColumn<NonNullable<Snapshot['nodes']>[number]>[] = [
  { head: 'node', minWidth: 12, text: ({ host, pid }) => `${host} (${pid})` },
  { head: 'state', text: ({ state }) => state },
  { head: 'deliveries', align: 'right', text: ({ leases }) => leases.deliveries },
  { head: 'mail', align: 'right', text: ({ leases }) => leases.mail },
  { head: 'lag', align: 'right', text: ({ lag_seconds }) => `${lag_seconds.toFixed(1)}s` },
];
