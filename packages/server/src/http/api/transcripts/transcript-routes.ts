import { z } from 'zod';
import { isId } from '../../../core/ids.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { Messages } from '../../../store/mail/messages.ts';
import type { TranscriptRecord, Transcripts } from '../../../store/mail/transcripts.ts';
import { defineRoute, type Route } from '../../route.ts';
import { idParam, timestampSchema } from '../schemas.ts';

/** A message to a thousand domains that is tried for five days has more; the first tell most. */
const MAX_ATTEMPTS = 1_000;

const attemptList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      started_at: timestampSchema,
      latency_ms: z.number().int(),
      recipients: z
        .array(
          z.object({
            address: z.string(),
            attempt: z.number().int().describe("As in the events' delivery.attempt."),
            outcome: z
              .string()
              .describe('delivered, deferred, bounced or failed: what its event says.'),
          }),
        )
        .describe('Those of one SMTP transaction.'),
      transcript: z
        .array(
          z.object({
            at_ms: z.number().int().describe('Since the attempt began.'),
            from: z
              .enum(['client', 'server', 'note'])
              .describe('client: we said it. note: what was done or seen.'),
            text: z.string(),
          }),
        )
        .describe('Logins are hidden, and the message itself is not in it. At most about 8 kB.'),
    }),
  ),
  truncated: z.boolean().describe(`There are more than ${MAX_ATTEMPTS}.`),
});

export function createTranscriptRoutes(deps: {
  messages: Pick<Messages, 'get'>;
  transcripts: Pick<Transcripts, 'ofMessage'>;
}): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/messages/{id}/attempts',
      auth: 'read',
      group: 'Messages',
      summary: 'What was said to the mail servers, and what they said',
      description:
        'The attempts to deliver a message in the order in which they began, each with its SMTP transcript. Which are kept, and for how long, is in the settings mail_transcripts and mail_transcript_retention.',
      params: idParam('id', 'message'),
      responses: { 200: { description: 'The attempts that are kept.', schema: attemptList } },
      async handle({ projectId, params }) {
        const id = String(params['id']);
        const message = isId('message', id) ? await deps.messages.get(projectId, id) : null;
        if (message === null) throw new PosthornError('not_found', `There is no message ${id}.`);
        const found = await deps.transcripts.ofMessage(projectId, id, MAX_ATTEMPTS + 1);
        const data = found.slice(0, MAX_ATTEMPTS).map(toJson);
        return { status: 200, body: { data, truncated: found.length > MAX_ATTEMPTS } };
      },
    }),
  ];
}

function toJson({ id, startedAtMs, latencyMs, recipients, lines }: TranscriptRecord) {
  return {
    id,
    started_at: toTimestamp(startedAtMs),
    latency_ms: latencyMs,
    recipients: recipients.map(({ recipient, attempt, outcome }) => {
      return { address: recipient, attempt, outcome };
    }),
    transcript: lines.map(({ atMs, from, text }) => ({ at_ms: atMs, from, text })),
  };
}
