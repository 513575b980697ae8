// A table: every type of alert rule, with what forms, checks and the watch need to know of it.

import { nearestName } from '../nearest-name.ts';
import type { StatsDimension } from '../stats/counts.ts';

/** What a rule may be narrowed to. */
export const SCOPE_NAMES = [
  'stream',
  'tag',
  'sending_domain',
  'receiving_domain',
  'provider',
  'endpoint',
  'source',
  'sink',
  'domain',
] as const;
export type ScopeName = (typeof SCOPE_NAMES)[number];

/** Of these, sums are kept for one at a time, beside the stream. */
export const SUMMED_SCOPES = [
  'tag',
  'sending_domain',
  'receiving_domain',
  'provider',
] as const satisfies readonly (StatsDimension & ScopeName)[];

const MINUTE_S = 60;
const HOUR_S = 3_600;
const DAY_S = 86_400;

interface Range {
  default: number;
  min: number;
  max: number;
}

export interface AlertTypeEntry {
  title: string;
  /** One sentence: what it watches over. */
  summary: string;
  /** What threshold and value are: a share of 1, a count, or seconds. */
  unit: 'share' | 'count' | 'seconds';
  /** One alert for each of these. */
  about: 'project' | 'endpoint' | 'source' | 'sink' | 'domain' | 'receiving_domain' | 'send_limit';
  /** `default` null: what is usual for the thing itself decides, and a threshold may be left out. */
  threshold: Omit<Range, 'default'> & { default: number | null };
  /** Over which time it counts; null: it looks at what is so now. */
  windowSeconds: Range | null;
  /** Fewer messages say little; null where even one says all. */
  minVolume: { default: number; min: number } | null;
  /** For how long it has to be below the line before it resolves. */
  resolveAfterSeconds: number;
  scope: readonly ScopeName[];
  actions: readonly ('hold_stream' | 'hold_key' | 'suppress' | 'disable_endpoint')[];
  /** What a test on the past goes by; null: nothing of it is kept. */
  past: 'statistics' | 'events' | null;
}

/** Sums by the minute are kept for two days and by the hour for 90, and a test on the past needs some of those. */
const WINDOW = { min: 5 * MINUTE_S, max: 30 * DAY_S };
/** Four weeks before it are looked at too. */
const DROP_WINDOW = { min: 15 * MINUTE_S, max: 7 * DAY_S };
const MAIL_SCOPE = ['stream', ...SUMMED_SCOPES] as const;
const MAIL_ACTIONS = ['hold_stream', 'hold_key', 'suppress'] as const;
const QUEUE_ACTIONS = ['disable_endpoint'] as const;
const MAIL_QUEUE_ACTIONS = ['hold_stream', 'hold_key'] as const;
/** More are not counted. */
export const MAX_REFUSED = 10_000;
const SHARE = { min: 0.0001, max: 1 };
const COUNT = { min: 1, max: 1_000_000 };
const SECONDS = { min: MINUTE_S, max: 30 * DAY_S };

export const ALERT_TYPES = {
  bounce_rate: {
    title: 'Bounce rate',
    summary: 'The share of messages that bounced, of those that came to an end.',
    unit: 'share',
    about: 'project',
    threshold: { default: 0.05, ...SHARE },
    windowSeconds: { default: HOUR_S, ...WINDOW },
    minVolume: { default: 100, min: 1 },
    resolveAfterSeconds: 10 * MINUTE_S,
    scope: MAIL_SCOPE,
    actions: MAIL_ACTIONS,
    past: 'statistics',
  },
  complaint_rate: {
    title: 'Complaint rate',
    summary: 'The share of delivered messages that were reported as spam.',
    unit: 'share',
    about: 'project',
    threshold: { default: 0.001, ...SHARE },
    windowSeconds: { default: DAY_S, ...WINDOW },
    minVolume: { default: 1_000, min: 1 },
    resolveAfterSeconds: HOUR_S,
    scope: MAIL_SCOPE,
    actions: MAIL_ACTIONS,
    past: 'statistics',
  },
  complaints: {
    title: 'Complaints',
    summary: 'How many messages were reported as spam.',
    unit: 'count',
    about: 'project',
    threshold: { default: 1, ...COUNT },
    windowSeconds: { default: HOUR_S, ...WINDOW },
    minVolume: null,
    resolveAfterSeconds: 5 * MINUTE_S,
    scope: MAIL_SCOPE,
    actions: MAIL_ACTIONS,
    past: 'statistics',
  },
  queue_depth: {
    title: 'Queue depth',
    summary: 'How many events wait for one webhook endpoint.',
    unit: 'count',
    about: 'endpoint',
    threshold: { default: 1_000, min: 1, max: 10_000 },
    windowSeconds: null,
    minVolume: null,
    resolveAfterSeconds: 5 * MINUTE_S,
    scope: ['endpoint'],
    actions: QUEUE_ACTIONS,
    past: null,
  },
  queue_lag: {
    title: 'Queue lag',
    summary: 'For how long the first event that is due waits for one webhook endpoint.',
    unit: 'seconds',
    about: 'endpoint',
    threshold: { default: 5 * MINUTE_S, ...SECONDS },
    windowSeconds: null,
    minVolume: null,
    resolveAfterSeconds: 5 * MINUTE_S,
    scope: ['endpoint'],
    actions: QUEUE_ACTIONS,
    past: null,
  },
  mail_queue_depth: {
    title: 'Mail queue depth',
    summary: 'How many recipients wait for their mail, those that are tried again among them.',
    unit: 'count',
    about: 'project',
    threshold: { default: 1_000, ...COUNT },
    windowSeconds: null,
    minVolume: null,
    resolveAfterSeconds: 5 * MINUTE_S,
    scope: [],
    actions: MAIL_QUEUE_ACTIONS,
    past: null,
  },
  mail_queue_lag: {
    title: 'Mail queue lag',
    summary: 'For how long the first mail that is due waits to be sent.',
    unit: 'seconds',
    about: 'project',
    threshold: { default: 5 * MINUTE_S, ...SECONDS },
    windowSeconds: null,
    minVolume: null,
    resolveAfterSeconds: 5 * MINUTE_S,
    scope: [],
    actions: MAIL_QUEUE_ACTIONS,
    past: null,
  },
  endpoint_failing: {
    title: 'Endpoint failing',
    summary: 'For how long one webhook endpoint has answered nothing but errors.',
    unit: 'seconds',
    about: 'endpoint',
    threshold: { default: 10 * MINUTE_S, ...SECONDS },
    windowSeconds: null,
    minVolume: null,
    resolveAfterSeconds: 0,
    scope: ['endpoint'],
    actions: QUEUE_ACTIONS,
    past: null,
  },
  source_silent: {
    title: 'Source silent',
    summary: 'For how long nothing has come from one source that should be talking.',
    unit: 'seconds',
    about: 'source',
    threshold: { default: null, ...SECONDS },
    windowSeconds: null,
    minVolume: null,
    resolveAfterSeconds: 0,
    scope: ['source'],
    actions: [],
    past: 'events',
  },
  sink_failing: {
    title: 'Sink failing',
    summary: 'For how long nothing has got through to one sink.',
    unit: 'seconds',
    about: 'sink',
    threshold: { default: 10 * MINUTE_S, ...SECONDS },
    windowSeconds: null,
    minVolume: null,
    resolveAfterSeconds: 0,
    scope: ['sink'],
    actions: [],
    past: null,
  },
  sink_refusing: {
    title: 'Sink refuses events',
    summary: 'How many events one sink would not take, or its transformation failed on.',
    unit: 'count',
    about: 'sink',
    threshold: { default: 1, min: 1, max: MAX_REFUSED },
    windowSeconds: { default: HOUR_S, ...WINDOW },
    minVolume: null,
    resolveAfterSeconds: 5 * MINUTE_S,
    scope: ['sink'],
    actions: [],
    past: null,
  },
  send_limit: {
    title: 'Sending limit',
    summary: 'How much of what the project may send in the hour or the day is used.',
    unit: 'share',
    about: 'send_limit',
    threshold: { default: 0.9, min: 0.01, max: 1 },
    windowSeconds: null,
    minVolume: null,
    resolveAfterSeconds: 0,
    scope: [],
    actions: ['hold_stream', 'hold_key'],
    past: 'events',
  },
  domain_dns: {
    title: 'DNS of a domain',
    summary: 'How many of the records that a sending domain needs are missing or wrong.',
    unit: 'count',
    about: 'domain',
    threshold: { default: 1, min: 1, max: 20 },
    windowSeconds: null,
    minVolume: null,
    resolveAfterSeconds: 0,
    scope: ['domain'],
    actions: [],
    past: 'events',
  },
  destination_deferring: {
    title: 'Domain deferring',
    summary: 'The share of answers by one receiving domain that put mail off.',
    unit: 'share',
    about: 'receiving_domain',
    threshold: { default: 1, min: 0.1, max: 1 },
    windowSeconds: { default: HOUR_S, min: 15 * MINUTE_S, max: 2 * DAY_S },
    minVolume: { default: 20, min: 1 },
    resolveAfterSeconds: 10 * MINUTE_S,
    scope: ['stream', 'receiving_domain'],
    actions: ['hold_stream'],
    past: 'statistics',
  },
  volume_drop: {
    title: 'Drop in volume',
    summary: 'How much less there is than at the same time of the weeks before.',
    unit: 'share',
    about: 'project',
    threshold: { default: 0.5, min: 0.05, max: 1 },
    windowSeconds: { default: HOUR_S, ...DROP_WINDOW },
    minVolume: { default: 100, min: 10 },
    resolveAfterSeconds: 15 * MINUTE_S,
    scope: MAIL_SCOPE,
    actions: [],
    past: 'statistics',
  },
} as const satisfies Record<string, AlertTypeEntry>;

export type AlertType = keyof typeof ALERT_TYPES;

export const ALERT_TYPE_NAMES = Object.keys(ALERT_TYPES) as AlertType[];

export function entryOf(type: AlertType): AlertTypeEntry {
  return ALERT_TYPES[type];
}

/** A sentence about a name that is no type; it says which one was probably meant. */
export function explainUnknownAlertType(name: string): string {
  const nearest = nearestName(name, ALERT_TYPE_NAMES);
  const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
  return `There is no type ${JSON.stringify(name)}.${hint} There are: ${ALERT_TYPE_NAMES.join(', ')}.`;
}
