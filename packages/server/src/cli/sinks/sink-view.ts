import { paintState, renderFields, type TableColumn, toShortTime } from '../output/table.ts';

/** As `GET /v1/sinks` says it (http/api/sinks/sink-json.ts), as far as it is shown. */
export interface SinkView {
  id: string;
  name: string;
  kind: string;
  /** Secrets among them are `true`. */
  settings: Record<string, unknown>;
  event_types: string[];
  filter: object | null;
  transformation: string | null;
  state: string;
  progress: {
    sent: number;
    refused: number;
    lag_seconds: number;
    last_sent_at: string | null;
    failing_since: string | null;
    refusing_since: string | null;
    next_attempt_at: string | null;
    last_error: SinkTroubleView | null;
  };
  backfill: BackfillView | null;
  created_at: string;
}

export interface SinkTroubleView {
  code: string;
  detail: string;
}

export interface BackfillView {
  sent: number;
  refused: number;
  percent: number;
  last_error: SinkTroubleView | null;
}

export const SINK_COLUMNS: readonly TableColumn<SinkView>[] = [
  { head: 'sink', text: ({ id }) => id },
  { head: 'kind', minWidth: 6, text: ({ kind }) => kind },
  { head: 'name', minWidth: 8, text: ({ name }) => name },
  {
    head: 'state',
    text: ({ state }) => state,
    paint: ({ state }, colors) => paintState(state, colors),
  },
  { head: 'lag', align: 'right', text: ({ progress }) => describeLag(progress.lag_seconds) },
  { head: 'sent', align: 'right', text: ({ progress }) => progress.sent },
  { head: 'refused', align: 'right', text: ({ progress }) => progress.refused },
];

export function renderSink(sink: SinkView): string[] {
  const { progress, backfill } = sink;
  return renderFields([
    ['sink', sink.id],
    ['name', sink.name],
    ['kind', sink.kind],
    ...Object.entries(sink.settings).map(
      ([name, value]) => [name, describeSetting(value)] as const,
    ),
    ['events', sink.event_types.join(', ')],
    ['filter', sink.filter === null ? null : JSON.stringify(sink.filter)],
    ['made by', sink.transformation],
    ['created', toShortTime(sink.created_at)],
    ['state', sink.state],
    ['why', describeTrouble(progress.last_error)],
    ['failing since', timeOf(progress.failing_since)],
    ['refusing since', timeOf(progress.refusing_since)],
    ['next attempt', timeOf(progress.next_attempt_at)],
    ['sent', `${progress.sent}, ${progress.refused} refused`],
    ['last sent', timeOf(progress.last_sent_at)],
    ['lag', describeLag(progress.lag_seconds)],
    ['the past', backfill === null ? null : describeBackfill(backfill)],
  ]);
}

/** `34.5%: 1200 sent, 3 refused`, and what keeps it. */
export function describeBackfill({ percent, sent, refused, last_error }: BackfillView): string {
  const trouble = last_error === null ? '' : `; ${describeTrouble(last_error)}`;
  return `${percent}%: ${sent} sent, ${refused} refused${trouble}`;
}

export const describeTrouble = (trouble: SinkTroubleView | null): string | null =>
  trouble === null ? null : `${trouble.code}: ${trouble.detail}`;

export const sinkPath = ({ id }: Pick<SinkView, 'id'>): string =>
  `/v1/sinks/${encodeURIComponent(id)}`;

const timeOf = (timestamp: string | null): string | null =>
  timestamp === null ? null : toShortTime(timestamp);

const describeLag = (seconds: number): string => (seconds === 0 ? '0' : `${Math.ceil(seconds)} s`);

/** A secret is only known to be there. */
function describeSetting(value: unknown): string {
  if (value === true) return 'yes';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
