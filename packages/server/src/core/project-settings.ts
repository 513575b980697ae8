/** What a project has of its own; null where it has what the server has. */
export interface ProjectLimits {
  apiRequestsPerSecond: number | null;
  /** Events by POST /v1/events. The server has no limit of them. */
  eventsPerSecond: number | null;
  /** Endpoints at a time. The server has no limit of them. */
  endpoints: number | null;
}

export interface ProjectRetention {
  /** Messages, events, deliveries and attempts. */
  eventsDays: number | null;
  /** The bytes of messages. */
  bodiesDays: number | null;
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
}

export const NO_LIMITS: Readonly<ProjectLimits> = {
  apiRequestsPerSecond: null,
  eventsPerSecond: null,
  endpoints: null,
};

export const NO_RETENTION: Readonly<ProjectRetention> = { eventsDays: null, bodiesDays: null };

const DAY_MS = 86_400_000;

/** The project's own word where it has one, the server's otherwise. */
export function settleProject(
  own: { limits: ProjectLimits; retention: ProjectRetention },
  defaults: ProjectDefaults,
): ProjectSettings {
  const { limits, retention } = own;
  const inMs = (days: number | null): number | null => (days === null ? null : days * DAY_MS);
  return {
    apiRequestsPerSecond: limits.apiRequestsPerSecond ?? defaults.apiRequestsPerSecond,
    eventsPerSecond: limits.eventsPerSecond,
    endpoints: limits.endpoints,
    retentionMs: inMs(retention.eventsDays) ?? defaults.retentionMs,
    bodyRetentionMs: inMs(retention.bodiesDays) ?? defaults.bodyRetentionMs,
  };
}
