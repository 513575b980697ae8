import { GRAINS } from '../../core/stats/counts.ts';
import { COUNT_NAMES } from '../../core/stats/totals.ts';
import { plain } from '../output/columns.ts';
import { renderTable, type TableColumn, toShortTime } from '../output/table.ts';
import { choice, defineCommand, option } from '../program/command-spec.ts';
import { given, readTime, toQuery } from '../program/values.ts';
import { sparkline } from './sparkline.ts';

type Counts = Record<(typeof COUNT_NAMES)[number], number>;

/** As `GET /v1/stats` says it (http/api/stats/stats-routes.ts). */
interface StatsView {
  from: string;
  to: string;
  interval: string;
  totals: Counts & { delivery_latency_ms: { p50: number | null; p95: number | null } };
  previous: { totals: Counts } | null;
  series: Counts[];
  groups: (Counts & { value: string })[] | null;
  catching_up: boolean;
  rebuilding: boolean;
}

interface Options {
  since?: string;
  until?: string;
  interval?: string;
  groupBy?: string;
  stream?: string;
  tag?: string;
  sendingDomain?: string;
  receivingDomain?: string;
  provider?: string;
  rebuild?: boolean;
}

const GROUPS = ['stream', 'tag', 'sending_domain', 'receiving_domain', 'provider'] as const;
const LINE_CHARS = 32;

export const stats = defineCommand<Options>({
  name: 'stats',
  summary: 'Show what was sent and what became of it, with lines over time.',
  options: [
    option('--since <time>', 'from then on: 7d, 12h, or a time (default: a day)'),
    option('--until <time>', 'up to then (default: now)'),
    choice('--interval <interval>', 'how long a step of a line is (default: what fits)', GRAINS),
    choice('--group-by <what>', 'a row for each, the largest first', GROUPS),
    option('--stream <stream>', 'only this stream'),
    option('--tag <tag>', 'only mail with this tag'),
    option('--sending-domain <domain>', 'only mail from this domain'),
    option('--receiving-domain <domain>', 'only mail to this domain'),
    option('--provider <provider>', 'only what this provider has sent'),
    option('--rebuild', 'count what the log still has once more, in the background'),
  ],
  examples: ['posthorn stats --since 7d', 'posthorn stats --group-by receiving_domain'],
  async run({ client, options, print, world }) {
    if (options.rebuild === true) {
      const begun = await client.post<{ since: string }>('/v1/stats/rebuild', undefined);
      print.thing(begun, () => [`What happened since ${begun.since} is being counted anew.`]);
      return 0;
    }
    const nowMs = world.nowMs();
    const time = (text: string | undefined, flag: string): string | undefined =>
      text === undefined ? undefined : readTime(text, nowMs, flag);
    const query = given({
      since: time(options.since, '--since'),
      until: time(options.until, '--until'),
      interval: options.interval,
      group_by: options.groupBy,
      stream: options.stream,
      tag: options.tag,
      sending_domain: options.sendingDomain,
      receiving_domain: options.receivingDomain,
      provider: options.provider,
      compare: 'previous',
    }) as Record<string, string>;
    const view = await client.get<StatsView>(`/v1/stats${toQuery(query)}`);
    const { width, colors } = print;
    print.thing(view, () => [
      `${toShortTime(view.from)} to ${toShortTime(view.to)}, by ${view.interval} (UTC)`,
      ...renderTable(toRows(view), METRIC_COLUMNS, { width, colors, hasHead: true }),
      ...latencyOf(view),
      ...(view.groups === null
        ? []
        : ['', ...renderTable(view.groups, GROUP_COLUMNS, { width, colors, hasHead: true })]),
    ]);
    if (view.rebuilding || view.catching_up) print.note('The log is still being counted.');
    return 0;
  },
});

interface Row {
  metric: string;
  total: number;
  before: number | null;
  line: string;
}

/** What there is none of, now and before, is left out. */
function toRows({ totals, previous, series }: StatsView): Row[] {
  const rows = COUNT_NAMES.map((metric) => ({
    metric,
    total: totals[metric],
    before: previous?.totals[metric] ?? null,
    line: sparkline(
      series.map((one) => one[metric]),
      LINE_CHARS,
    ),
  }));
  const shown = rows.filter(({ total, before }) => total > 0 || (before ?? 0) > 0);
  return shown.length > 0 ? shown : rows.filter(({ metric }) => metric === 'delivered');
}

function latencyOf({ totals }: StatsView): string[] {
  const { p50, p95 } = totals.delivery_latency_ms;
  if (p50 === null || p95 === null) return [];
  const text = (ms: number): string => `${(ms / 1_000).toFixed(1)}s`;
  return [`Half were delivered within ${text(p50)}, 95 of 100 within ${text(p95)}.`];
}

const METRIC_COLUMNS: readonly TableColumn<Row>[] = [
  { head: 'what', minWidth: 8, text: ({ metric }) => metric },
  { head: 'total', align: 'right', text: ({ total }) => total },
  { head: 'before', align: 'right', text: ({ before }) => before },
  { head: 'over time', minWidth: 8, text: ({ line }) => line },
];

const GROUP_COLUMNS: readonly TableColumn<Counts & { value: string }>[] = [
  { head: 'value', minWidth: 8, text: ({ value }) => plain(value) },
  ...(['delivered', 'bounced', 'deferred', 'complained', 'opened', 'clicked'] as const).map(
    (metric) => ({
      head: metric,
      align: 'right' as const,
      text: (row: Counts) => row[metric],
    }),
  ),
];
