import { z } from 'zod';
import type {
  ProjectLimits,
  ProjectRetention,
  ProjectSending,
} from '../../../core/project-settings.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { ProjectDirectory } from '../../../store/project-directory.ts';
import type { ProjectRecord } from '../../../store/projects.ts';
import { holdRulesSchema, readHoldRules, toHoldRulesJson } from '../holds/hold-rule-schema.ts';
import { lineOf, nextCursorSchema, timestampSchema } from '../schemas.ts';
import {
  changeStreamsSchema,
  mergeStreams,
  streamsSchema,
  toStreamsJson,
} from '../streams/stream-schema.ts';

const numberOrNull = (min: number, max: number) => z.number().int().min(min).max(max).nullable();

const limitFields = {
  api_requests_per_second: numberOrNull(1, 1_000_000).describe(
    'Requests a second of all keys together, and twice that at once. null: api_rate.',
  ),
  events_per_second: numberOrNull(1, 1_000_000).describe(
    'Events a second by POST /v1/events. null: no limit.',
  ),
  endpoints: numberOrNull(0, 100_000).describe('Endpoints at a time. null: no limit.'),
  emails_per_hour: numberOrNull(0, 1_000_000_000).describe(
    'Recipients of messages in an hour of the clock. null: no limit.',
  ),
  emails_per_day: numberOrNull(0, 1_000_000_000).describe(
    'Recipients of messages in a day (UTC). null: no limit.',
  ),
};

/** Ten years: a time, and not a way to say "for ever". */
const MAX_DAYS = 3_650;

const retentionFields = {
  events_days: numberOrNull(1, MAX_DAYS).describe(
    'How long messages, events, deliveries and attempts are kept. null: retention.',
  ),
  bodies_days: numberOrNull(0, MAX_DAYS).describe(
    'How long the bytes of messages, and of mail that comes in, are kept. 0: of messages until nobody waits for them, of mail that comes in not at all. null: body_retention.',
  ),
};

const sendingFields = {
  suppress_from_elsewhere: z
    .boolean()
    .describe(
      'Bounces, complaints and unsubscribes of mail that others sent (POST /v1/events, providers) put addresses on the suppression list too.',
    ),
  suppress_after_soft_bounces: numberOrNull(2, 100).describe(
    'So many messages within 30 days that bounced softly by the fault of the recipient, with none delivered in between, put the address on the list for 30 days. null: none do.',
  ),
  require_verified_domain: z
    .boolean()
    .nullable()
    .describe(
      'Only verified domains of the project may send. null: as soon as the project has a domain.',
    ),
  track_opens: z.boolean().describe('Messages that do not say get a pixel.'),
  track_clicks: z
    .boolean()
    .describe('Links in the HTML of messages that do not say lead here first.'),
  track_text_links: z.boolean().describe('Links in their plain text too.'),
  unsubscribe_page: z
    .boolean()
    .describe('Broadcast mail that names no page to unsubscribe gets one here, with one click.'),
  keep_readers: z
    .boolean()
    .describe('Events have the IP address and the program of who opened or clicked.'),
  streams: streamsSchema,
  hold_rules: holdRulesSchema,
  hold_over_limit: z.boolean().describe('What exceeds a limit of emails is held, and not refused.'),
};

const name = lineOf(100).min(1).describe('For people.');

export const newProjectBody = z.strictObject({
  name,
  limits: z.strictObject(limitFields).partial().optional(),
  retention: z.strictObject(retentionFields).partial().optional(),
  sending: z
    .strictObject({ ...sendingFields, streams: changeStreamsSchema })
    .partial()
    .optional(),
});

export const changeProjectBody = newProjectBody
  .partial()
  .refine((body) => Object.keys(body).length > 0, 'Name at least one field to change.');

export const projectSchema = z.object({
  id: z.string(),
  name,
  limits: z.object(limitFields),
  retention: z.object(retentionFields),
  sending: z.object(sendingFields),
  version: z.number().int().describe('1, then one more with each change. Also the ETag.'),
  created_at: timestampSchema,
  updated_at: timestampSchema,
});

export const projectList = z.object({
  data: z.array(projectSchema),
  next_cursor: nextCursorSchema,
});

/** What the body says, over what there was. */
export function mergeLimits(
  before: ProjectLimits,
  given: z.output<typeof newProjectBody>['limits'] = {},
): ProjectLimits {
  const pick = (said: number | null | undefined, was: number | null) =>
    said === undefined ? was : said;
  return {
    apiRequestsPerSecond: pick(given.api_requests_per_second, before.apiRequestsPerSecond),
    eventsPerSecond: pick(given.events_per_second, before.eventsPerSecond),
    endpoints: pick(given.endpoints, before.endpoints),
    emailsPerHour: pick(given.emails_per_hour, before.emailsPerHour),
    emailsPerDay: pick(given.emails_per_day, before.emailsPerDay),
  };
}

/** What the body says, over what there was. */
export function mergeRetention(
  before: ProjectRetention,
  given: z.output<typeof newProjectBody>['retention'] = {},
): ProjectRetention {
  const { events_days: eventsDays, bodies_days: bodiesDays } = given;
  return {
    eventsDays: eventsDays === undefined ? before.eventsDays : eventsDays,
    bodiesDays: bodiesDays === undefined ? before.bodiesDays : bodiesDays,
  };
}

/** What the body says, over what there was. */
export function mergeSending(
  before: ProjectSending,
  given: z.output<typeof newProjectBody>['sending'] = {},
): ProjectSending {
  const { suppress_after_soft_bounces: softBounces, require_verified_domain: verified } = given;
  return {
    suppressFromElsewhere: given.suppress_from_elsewhere ?? before.suppressFromElsewhere,
    suppressAfterSoftBounces:
      softBounces === undefined ? before.suppressAfterSoftBounces : softBounces,
    requireVerifiedDomain: verified === undefined ? before.requireVerifiedDomain : verified,
    trackOpens: given.track_opens ?? before.trackOpens,
    trackClicks: given.track_clicks ?? before.trackClicks,
    trackTextLinks: given.track_text_links ?? before.trackTextLinks,
    unsubscribePage: given.unsubscribe_page ?? before.unsubscribePage,
    keepReaders: given.keep_readers ?? before.keepReaders,
    streams: mergeStreams(before.streams, given.streams),
    holdRules: given.hold_rules === undefined ? before.holdRules : readHoldRules(given.hold_rules),
    holdOverLimit: given.hold_over_limit ?? before.holdOverLimit,
  };
}

export function toProjectJson(project: ProjectRecord) {
  const { limits, retention, sending } = project;
  return {
    id: project.id,
    name: project.name,
    limits: {
      api_requests_per_second: limits.apiRequestsPerSecond,
      events_per_second: limits.eventsPerSecond,
      endpoints: limits.endpoints,
      emails_per_hour: limits.emailsPerHour,
      emails_per_day: limits.emailsPerDay,
    },
    retention: { events_days: retention.eventsDays, bodies_days: retention.bodiesDays },
    sending: {
      suppress_from_elsewhere: sending.suppressFromElsewhere,
      suppress_after_soft_bounces: sending.suppressAfterSoftBounces,
      require_verified_domain: sending.requireVerifiedDomain,
      track_opens: sending.trackOpens,
      track_clicks: sending.trackClicks,
      track_text_links: sending.trackTextLinks,
      unsubscribe_page: sending.unsubscribePage,
      keep_readers: sending.keepReaders,
      streams: toStreamsJson(sending.streams),
      hold_rules: toHoldRulesJson(sending.holdRules),
      hold_over_limit: sending.holdOverLimit,
    },
    version: project.version,
    created_at: toTimestamp(project.createdAtMs),
    updated_at: toTimestamp(project.updatedAtMs),
  };
}

/** The project that the path names by `{id}`. Throws `not_found`. */
export function findProject(
  projects: Pick<ProjectDirectory, 'find'>,
  params: Record<string, unknown>,
): ProjectRecord {
  const id = String(params['id']);
  const found = projects.find(id);
  if (found === null) throw new PosthornError('not_found', `There is no project ${id}.`);
  return found;
}
