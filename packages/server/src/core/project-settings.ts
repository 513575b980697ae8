import type { HoldRule } from './mail/hold-rules.ts';
import type { Stream } from './mail/streams.ts';
import type { TrackingDefaults } from './mail/tracking.ts';

/** What a project has of its own; null where it has what the server has. */
export interface ProjectLimits {
  apiRequestsPerSecond: number | null;
  /** Events by POST /v1/events. The server has no limit of them. */
  eventsPerSecond: number | null;
  /** Endpoints at a time. The server has no limit of them. */
  endpoints: number | null;
  /** Recipients of messages, in a clock hour and in a day (UTC). The server has no limit of them. */
  emailsPerHour: number | null;
  emailsPerDay: number | null;
}

export interface ProjectRetention {
  /** Messages, events, deliveries and attempts. */
  eventsDays: number | null;
  /** The bytes of messages. */
  bodiesDays: number | null;
}

/** How its mail is sent, and followed. */
export interface ProjectSending extends TrackingDefaults {
  /** Events from elsewhere (POST /v1/events, other providers) put addresses on the suppression list. */
  suppressFromElsewhere: boolean;
  /** So many messages that bounced softly by the recipient's fault do so too; null: none do. */
  suppressAfterSoftBounces: number | null;
  /** Only verified domains of the project may send; null: as soon as it has a domain. */
  requireVerifiedDomain: boolean | null;
  /** What a stream has of its own. */
  streams: Readonly<Record<Stream, StreamSending>>;
  /** Events have the address and the program of who opened and clicked. */
  keepReaders: boolean;
  /** A message that meets one of them waits for a person. */
  holdRules: readonly HoldRule[];
  /** So does what exceeds a sending limit, which is refused otherwise. */
  holdOverLimit: boolean;
}

/** What holds for one stream of a project; null where it has what the project has. */
export interface StreamSending {
  trackOpens: boolean | null;
  trackClicks: boolean | null;
  trackTextLinks: boolean | null;
  /** No mail without a way to leave. */
  requireUnsubscribe: boolean;
}

/** What the server has (config.ts). */
export interface ProjectDefaults {
  apiRequestsPerSecond: number;
  retentionMs: number;
  bodyRetentionMs: number;
}

/** What holds for a project. A null is no limit. */
export interface ProjectSettings extends ProjectDefaults {
  eventsPerSecond: number | null;
  endpoints: number | null;
  emailsPerHour: number | null;
  emailsPerDay: number | null;
  sending: ProjectSending;
}

export const NO_LIMITS: Readonly<ProjectLimits> = {
  apiRequestsPerSecond: null,
  eventsPerSecond: null,
  endpoints: null,
  emailsPerHour: null,
  emailsPerDay: null,
};

export const NO_RETENTION: Readonly<ProjectRetention> = { eventsDays: null, bodiesDays: null };

const AS_THE_PROJECT = { trackOpens: null, trackClicks: null, trackTextLinks: null } as const;

/**
 * What only passes through Posthorn was suppressed by its own provider, and a soft bounce says little
 * of an address: both are for those who ask for it.
 */
export const USUAL_SENDING: Readonly<ProjectSending> = {
  suppressFromElsewhere: false,
  suppressAfterSoftBounces: null,
  requireVerifiedDomain: null,
  trackOpens: false,
  trackClicks: false,
  trackTextLinks: false,
  unsubscribePage: false,
  streams: {
    transactional: { ...AS_THE_PROJECT, requireUnsubscribe: false },
    // Gmail and Yahoo want it of mail to many, and so do most laws.
    broadcast: { ...AS_THE_PROJECT, requireUnsubscribe: true },
  },
  keepReaders: true,
  holdRules: [],
  holdOverLimit: false,
};

const DAY_MS = 86_400_000;

/** The project's own word where it has one, the server's otherwise. */
export function settleProject(
  own: { limits: ProjectLimits; retention: ProjectRetention; sending: ProjectSending },
  defaults: ProjectDefaults,
): ProjectSettings {
  const { limits, retention, sending } = own;
  const inMs = (days: number | null): number | null => (days === null ? null : days * DAY_MS);
  return {
    apiRequestsPerSecond: limits.apiRequestsPerSecond ?? defaults.apiRequestsPerSecond,
    eventsPerSecond: limits.eventsPerSecond,
    endpoints: limits.endpoints,
    emailsPerHour: limits.emailsPerHour,
    emailsPerDay: limits.emailsPerDay,
    retentionMs: inMs(retention.eventsDays) ?? defaults.retentionMs,
    bodyRetentionMs: inMs(retention.bodiesDays) ?? defaults.bodyRetentionMs,
    sending,
  };
}

/** What mail of a stream has where it says nothing itself. */
export function defaultsOfStream(sending: ProjectSending, stream: Stream): TrackingDefaults {
  const own = sending.streams[stream];
  return {
    trackOpens: own.trackOpens ?? sending.trackOpens,
    trackClicks: own.trackClicks ?? sending.trackClicks,
    trackTextLinks: own.trackTextLinks ?? sending.trackTextLinks,
    unsubscribePage: stream === 'broadcast' && sending.unsubscribePage,
  };
}
