import { z } from 'zod';
import { isId } from '../../../core/ids.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { HoldOutcome, HoldRoom } from '../../../mail/hold/hold-room.ts';
import { StoreConflict } from '../../../store/engine.ts';
import type { EventLog } from '../../../store/log/event-log.ts';
import type { Messages } from '../../../store/mail/messages.ts';
import { defineRoute, type Route } from '../../route.ts';
import { idParam } from '../schemas.ts';

const MAX_MESSAGES = 100;

const oneAnswer = z.object({
  id: z.string(),
  recipients: z.array(
    z.object({
      address: z.string(),
      outcome: z
        .enum(['released', 'suppressed', 'dropped'])
        .describe('suppressed: it is on the suppression list by now, and gets nothing.'),
    }),
  ),
});

const manyBody = z.strictObject({
  ids: z
    .array(z.string().max(100))
    .min(1, 'Name at least one message.')
    .max(MAX_MESSAGES, `At most ${MAX_MESSAGES} messages at a time.`)
    .describe('Messages that are held: GET /v1/messages?state=held.'),
});

const manyAnswer = z.object({
  data: z
    .array(
      z.object({
        id: z.string(),
        outcome: z
          .enum(['released', 'dropped', 'not_held', 'refused'])
          .describe('not_held: there is no such message, or it is not held any more.'),
        detail: z.string().nullable().describe('refused: why. It stays held.'),
      }),
    )
    .describe('In the order of ids.'),
});

/** What a person does with messages that wait for him. */
const DEEDS = [
  {
    verb: 'release',
    done: 'released',
    summary: 'Let a held message go',
    summaryOfMany: 'Let held messages go',
    description:
      'It is sent as if it had come in now: the sender’s domain, the suppression list and the sending limits are asked again. Its recipients get email.released.',
  },
  {
    verb: 'drop',
    done: 'dropped',
    summary: 'Drop a held message',
    summaryOfMany: 'Drop held messages',
    description: 'It is never sent. Its recipients get email.rejected with the reason "dropped".',
  },
] as const;

export interface HoldRouteDeps {
  holdRoom: Pick<HoldRoom, 'release' | 'drop'>;
  messages: Pick<Messages, 'get'>;
  log: EventLog;
}

export function createHoldRoutes(deps: HoldRouteDeps): Route[] {
  return DEEDS.flatMap((deed) => [createManyRoute(deps, deed), createOneRoute(deps, deed)]);
}

type Deed = (typeof DEEDS)[number];

function createOneRoute({ holdRoom, messages }: HoldRouteDeps, deed: Deed): Route {
  const { verb, done, summary, description } = deed;
  return defineRoute({
    method: 'POST',
    path: `/v1/messages/{id}/${verb}`,
    auth: 'manage',
    group: 'Messages',
    summary,
    description,
    params: idParam('id', 'message'),
    responses: { 200: { description: `It is ${done}.`, schema: oneAnswer } },
    async handle({ projectId, params, remember }) {
      const id = String(params['id']);
      const toAnswer = (recipients: HoldOutcome[]) => ({ status: 200, body: { id, recipients } });
      const outcomes = isId('message', id)
        ? await holdRoom[verb](projectId, id, (all) => remember(toAnswer(all)))
        : null;
      if (outcomes !== null) return toAnswer(outcomes);
      if (isId('message', id) && (await messages.get(projectId, id)) !== null) {
        const detail = 'The message is not held, or not any more.';
        // Of equal requests at the same moment, all get the answer of the first.
        throw new PosthornError('conflict', detail, { cause: new StoreConflict(detail) });
      }
      throw new PosthornError('not_found', `There is no message ${id}.`);
    },
  });
}

function createManyRoute({ holdRoom, log }: HoldRouteDeps, deed: Deed): Route {
  const { verb, done, summaryOfMany: summary, description } = deed;

  async function decide(projectId: string, id: string) {
    try {
      const outcomes = isId('message', id) ? await holdRoom[verb](projectId, id) : null;
      return { id, outcome: outcomes === null ? 'not_held' : done, detail: null };
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error;
      return { id, outcome: 'refused', detail: error.message };
    }
  }

  return defineRoute({
    method: 'POST',
    path: `/v1/messages/${verb}`,
    auth: 'manage',
    group: 'Messages',
    summary,
    description: `Up to ${MAX_MESSAGES}, one after the other: one that cannot be ${done} keeps no other from it. ${description}`,
    body: manyBody,
    responses: { 200: { description: 'What became of each.', schema: manyAnswer } },
    async handle({ projectId, body, remember }) {
      const data = [];
      for (const id of new Set(body.ids)) data.push(await decide(projectId, id));
      const answer = { status: 200, body: { data } };
      // Each was committed by itself; who asks again finds those that are done no longer held.
      const remembered = remember(answer);
      if (remembered.length > 0) await log.append([], remembered);
      return answer;
    },
  });
}
