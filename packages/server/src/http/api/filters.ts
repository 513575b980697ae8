import type { EventType } from '@posthorn/sdk';
import { z } from 'zod';
import { compileEventFilter, explainEventPattern } from '../../core/events/event-filter.ts';
import { isId, lowestIdAt } from '../../core/ids.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { PosthornError } from '../../lib/errors.ts';
import type { EndpointDirectory } from '../../webhooks/endpoints/endpoint-directory.ts';
import type { LiveEndpoint } from '../../webhooks/endpoints/live-endpoint.ts';
import { POST_ERRORS } from '../../webhooks/post/post-errors.ts';
import { lowerDomain, timestampSchema } from './schemas.ts';

/** Filters that several lists and jobs share. All throw `invalid_field` for what can match nothing. */

export const typeQuery = z
  .string()
  .max(1_000)
  .optional()
  .describe('Types or families, separated by commas: email.bounced,email.*');

export function readTypes(type: string | undefined): EventType[] | null {
  if (type === undefined) return null;
  const patterns = type.split(',').map((part) => part.trim());
  return expandTypes(patterns, '?type');
}

/** The filters of lists of events. */
export function toEventFilter(
  projectId: string,
  query: {
    type?: string | undefined;
    message_id?: string | undefined;
    recipient?: string | undefined;
  },
) {
  return {
    projectId,
    types: readTypes(query.type),
    messageKey: query.message_id ?? null,
    recipient: query.recipient === undefined ? null : lowerDomain(query.recipient),
  };
}

export function expandTypes(patterns: readonly string[], pointer: string): EventType[] {
  for (const pattern of patterns) {
    const detail = explainEventPattern(pattern);
    if (detail !== null) refuseField(pointer, detail);
  }
  return [...compileEventFilter(patterns)];
}

const BY_TIME_OF_ID =
  'By the time in the id of the event, which is when Posthorn took it (or the id that it came with was made).';

export const rangeFields = {
  since: timestampSchema.optional().describe(`From this time on. ${BY_TIME_OF_ID}`),
  until: timestampSchema.optional().describe('Up to this time, not including it.'),
};

export interface TimeRange {
  sinceMs: number | null;
  untilMs: number | null;
}

/** `place`: what pointers begin with, `?` in the query, `/` in a body. */
export function readRange(
  { since, until }: { since?: string | undefined; until?: string | undefined },
  place: '?' | '/',
): TimeRange {
  const sinceMs = since === undefined ? null : Date.parse(since);
  const untilMs = until === undefined ? null : Date.parse(until);
  if (sinceMs !== null && untilMs !== null && sinceMs >= untilMs) {
    refuseField(`${place}until`, 'The range ends before it begins: until has to be after since.');
  }
  return { sinceMs, untilMs };
}

/** Ids begin with their time, so a range of time is a range of ids. */
export function toIdRange({ sinceMs, untilMs }: TimeRange) {
  return {
    fromEventId: sinceMs === null ? null : lowestIdAt('event', sinceMs),
    toEventId: untilMs === null ? null : lowestIdAt('event', untilMs),
  };
}

/** `place`: what the pointer begins with, `?` in the query, `/` in a body. */
export function checkErrorCode(code: string | undefined, place: '?' | '/' = '?'): string | null {
  if (code === undefined) return null;
  const known = Object.keys(POST_ERRORS);
  if (known.includes(code)) return code;
  const nearest = nearestName(code, known);
  const hint = nearest === null ? `There are: ${known.join(', ')}.` : `Did you mean "${nearest}"?`;
  return refuseField(`${place}error_code`, `"${code}" is no error code of a delivery. ${hint}`);
}

/** The id of an endpoint by its id or uid. An id stays what it is: a deleted endpoint has a history. */
export function readEndpointFilter(
  directory: Pick<EndpointDirectory, 'lookUp'>,
  projectId: string,
  idOrUid: string | undefined,
  place: '?' | '/' = '?',
): string[] | null {
  if (idOrUid === undefined) return null;
  const found = directory.lookUp(projectId, idOrUid)?.record.id;
  if (found !== undefined) return [found];
  if (isId('endpoint', idOrUid)) return [idOrUid];
  return refuseField(`${place}endpoint_id`, `There is no endpoint with the uid "${idOrUid}".`);
}

/** Throws `not_found`. */
export function findEndpoint(
  directory: Pick<EndpointDirectory, 'lookUp'>,
  projectId: string,
  idOrUid: string,
): LiveEndpoint {
  const found = directory.lookUp(projectId, idOrUid);
  if (found === null) throw new PosthornError('not_found', `There is no endpoint ${idOrUid}.`);
  return found;
}

export function refuseField(pointer: string, detail: string): never {
  throw new PosthornError('invalid_field', `${pointer}: ${detail}`, {
    fields: [{ pointer, detail }],
  });
}
