import type { ContentFilter } from './events/content-filter.ts';

/**
 * A sink: a queue, stream, warehouse, chat or incident system that gets the events of a project in the
 * order of the log, batch after batch. It has a place in the log (SinkPlace) instead of a delivery for
 * each event.
 */
export interface SinkRecord {
  projectId: string;
  id: string;
  /** For people. */
  name: string;
  /** Its name in the registry (sinks/sink-kinds.ts). Never changes: its settings are of that kind. */
  kind: string;
  /** As its kind's schema has read them, secrets left out. */
  settings: Record<string, unknown>;
  /** The secrets among the settings as JSON, sealed (lib/secrets/secret-box.ts). */
  secretsSealed: string;
  /** Patterns as the user wrote them: `email.*`. */
  eventTypes: string[];
  /** Null: whatever is in them. */
  filter: ContentFilter | null;
  /** JSONata that makes what is sent of an event; null: the event as it is. */
  transformation: string | null;
  isPaused: boolean;
  /** 1, then one more with each change. */
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
}

/** `live` follows the log; `backfill` goes over a part of its past once. */
export const SINK_LANES = ['live', 'backfill'] as const;
export type SinkLane = (typeof SINK_LANES)[number];

/** How far a lane has come, and how it fares. */
export interface SinkPlace {
  /** Everything up to here is done: sent, refused for good, or not wanted. */
  position: number;
  /** Where it began, to show progress by. */
  fromPosition: number;
  /** The last place that it takes; null: it follows the log. */
  untilPosition: number | null;
  sent: number;
  refused: number;
  /** Batches that failed in a row, and what went wrong with the last of them. */
  failures: number;
  failingSinceMs: number | null;
  lastError: SinkTroubleNote | null;
  /** Not before then. */
  retryAtMs: number | null;
  lastSentAtMs: number | null;
  /** Since then it has refused every event that it was sent; null: it took the last one, or had none yet. */
  refusingSinceMs: number | null;
}

export interface SinkTroubleNote {
  /** One of SINK_TROUBLES. */
  code: SinkTroubleCode;
  detail: string;
  atMs: number;
}

/** Why a batch did not get through, so that a person knows where to look. */
export const SINK_TROUBLES = {
  unreachable: 'Nobody answers there, or the connection broke.',
  timeout: 'It took too long.',
  credentials: 'It refuses the credentials, or they may not do this.',
  not_found: 'The queue, topic, table, bucket or channel is not there.',
  rate_limited: 'It wants fewer requests.',
  unavailable: 'It says that it cannot take anything at the moment.',
  refused: 'It refuses what it was sent.',
  schema_conflict: 'Its table does not fit what is loaded into it.',
  address_refused: 'Its address is one that Posthorn does not dial.',
  package_missing: 'The package that speaks with it is not installed.',
  internal: 'Posthorn failed inside; its log has the details.',
} as const;

export type SinkTroubleCode = keyof typeof SINK_TROUBLES;

/** An event that its sink will not take: it is put aside, and the others go on. */
export interface SinkRefusal {
  eventId: string;
  code: SinkTroubleCode | 'transformation';
  detail: string;
}

export const NEW_PLACE: Omit<SinkPlace, 'position' | 'fromPosition' | 'untilPosition'> = {
  sent: 0,
  refused: 0,
  failures: 0,
  failingSinceMs: null,
  lastError: null,
  retryAtMs: null,
  lastSentAtMs: null,
  refusingSinceMs: null,
};
