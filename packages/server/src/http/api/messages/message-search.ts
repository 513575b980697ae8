import { RECIPIENT_STATES } from '@posthorn/sdk';
import { z } from 'zod';
import { isId, lowestIdAt } from '../../../core/ids.ts';
import { MAX_TAG_CHARS } from '../../../core/mail/message-limits.ts';
import type { MessageQuery } from '../../../store/mail/message-search.ts';
import { rangeFields, readRange } from '../filters.ts';
import { keyOfCursor, lowerDomain, pageQuery } from '../schemas.ts';

/** The parameters of GET /v1/messages, and what they ask of the store. */

/** Shorter ones would find nearly everything, at the price of a long search. */
const MIN_SUBJECT_CHARS = 2;

export const messageQuery = z.strictObject({
  ...pageQuery,
  recipient: z.string().max(320).optional().describe('Only messages to this address.'),
  state: z
    .enum(RECIPIENT_STATES)
    .optional()
    .describe(
      'Only messages that are in this state for one of their recipients, or for the one that is asked for. held: those that wait for somebody to let them go.',
    ),
  subject: z
    .string()
    .trim()
    .min(MIN_SUBJECT_CHARS, `Give at least ${MIN_SUBJECT_CHARS} letters of the subject.`)
    .max(200)
    .optional()
    .describe('A part of the subject, without regard to case and accents.'),
  tag: z.string().min(1).max(MAX_TAG_CHARS).optional().describe('Only messages with this tag.'),
  smtp_id: z
    .string()
    .max(1_000)
    .optional()
    .describe('The Message-ID of its header, with or without the angle brackets.'),
  since: rangeFields.since.describe('Accepted from this time on.'),
  until: rangeFields.until,
});

export function toMessageQuery(
  projectId: string,
  query: z.output<typeof messageQuery>,
): MessageQuery {
  const { sinceMs, untilMs } = readRange(query, '?');
  return {
    projectId,
    limit: query.limit,
    beforeId: keyOfCursor(query.cursor, (key) => isId('message', key)),
    recipient: query.recipient === undefined ? null : lowerDomain(query.recipient),
    state: query.state ?? null,
    subject: query.subject ?? null,
    tag: query.tag ?? null,
    smtpId: query.smtp_id === undefined ? null : inBrackets(query.smtp_id.trim()),
    // Ids begin with their time, so a range of time is a range of ids.
    fromId: sinceMs === null ? null : lowestIdAt('message', sinceMs),
    toId: untilMs === null ? null : lowestIdAt('message', untilMs),
  };
}

const inBrackets = (id: string): string => (id.startsWith('<') ? id : `<${id}>`);
