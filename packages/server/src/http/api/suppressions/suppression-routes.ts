import { z } from 'zod';
import { type Ids, isId } from '../../../core/ids.ts';
import { STREAMS } from '../../../core/mail/streams.ts';
import { PosthornError } from '../../../lib/errors.ts';
import { createSuppressionEvent } from '../../../mail/suppression/suppression-event.ts';
import { checkEnvelopeAddress } from '../../../smtp/check-envelope-address.ts';
import type { EventLog, NewEvent } from '../../../store/log/event-log.ts';
import type {
  NewSuppression,
  SuppressionRecord,
  Suppressions,
} from '../../../store/mail/suppressions.ts';
import { defineRoute, type Route } from '../../route.ts';
import { refuseField } from '../filters.ts';
import { addressLine, idParam, keyOfCursor, pageQuery, timestampSchema } from '../schemas.ts';
import {
  reasonSchema,
  suppressionList,
  suppressionSchema,
  toSuppressionJson,
} from './suppression-json.ts';

const newEntry = z.strictObject({
  address: addressLine().describe('Capitals make no difference.'),
  stream: z.enum(STREAMS).nullable().default(null).describe('null: all streams.'),
  reason: reasonSchema.default('manual'),
  note: z.string().max(1_000).nullable().default(null).describe('For people.'),
  expires_at: timestampSchema.nullable().default(null),
});

const listQuery = z.strictObject({
  ...pageQuery,
  address: z.string().max(320).optional().describe('The entries of one address.'),
  reason: reasonSchema.optional(),
  source: z.string().max(100).optional().describe('posthorn, api, import, or a provider.'),
  stream: z
    .enum(['all', ...STREAMS])
    .optional()
    .describe('all: entries that hold for all streams.'),
});

export interface SuppressionRouteDeps {
  suppressions: Suppressions;
  log: EventLog;
  ids: Ids;
  now: () => number;
}

export function createSuppressionRoutes(deps: SuppressionRouteDeps): Route[] {
  const { suppressions, now } = deps;

  async function find(projectId: string, id: string): Promise<SuppressionRecord> {
    const found = isId('suppression', id) ? await suppressions.get(projectId, id, now()) : null;
    if (found === null) throw new PosthornError('not_found', `There is no suppression ${id}.`);
    return found;
  }

  function tell(
    type: 'suppression.added' | 'suppression.removed',
    entry: SuppressionRecord,
  ): NewEvent {
    const id = deps.ids.next('event');
    const event = createSuppressionEvent({ type, id, atMs: now(), entry });
    return { projectId: entry.projectId, event, dedupKey: null };
  }

  function toEntry(projectId: string, body: z.output<typeof newEntry>): NewSuppression {
    const checked = checkEnvelopeAddress(body.address.trim(), true);
    if (!checked.ok) refuseField('/address', `This is no address: ${checked.message}.`);
    const expiresAtMs = body.expires_at === null ? null : Date.parse(body.expires_at);
    const createdAtMs = now();
    if (expiresAtMs !== null && expiresAtMs <= createdAtMs) {
      refuseField('/expires_at', 'This time is past: the entry would not hold.');
    }
    return {
      projectId,
      id: deps.ids.next('suppression'),
      address: checked.address.toLowerCase(),
      stream: body.stream,
      reason: body.reason,
      source: 'api',
      note: body.note,
      eventId: null,
      createdAtMs,
      expiresAtMs,
    };
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/suppressions',
      auth: 'manage',
      group: 'Suppressions',
      summary: 'Put an address on the suppression list',
      description:
        'From now on a message to it is email.rejected and not sent. What is in the queue already goes out. suppression.added tells of it.',
      body: newEntry,
      responses: {
        200: {
          description: 'It was there already, and stays as it is.',
          schema: suppressionSchema,
        },
        201: { description: 'On the list.', schema: suppressionSchema },
      },
      async handle({ projectId, body, remember }) {
        const entry = toEntry(projectId, body);
        const there = await suppressions.at(entry, now());
        if (there !== null) {
          const known = { status: 200, body: toSuppressionJson(there) };
          await deps.log.append([], remember(known));
          return known;
        }
        const answer = { status: 201, body: toSuppressionJson(entry) };
        const statements = [suppressions.insertion(entry, { must: true }), ...remember(answer)];
        await deps.log.append([tell('suppression.added', entry)], statements);
        return answer;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/suppressions',
      auth: 'read',
      group: 'Suppressions',
      summary: 'List addresses that get no mail',
      description: 'The newest first. Entries that have expired are left out.',
      query: listQuery,
      responses: { 200: { description: 'A page of entries.', schema: suppressionList } },
      async handle({ projectId, query }) {
        const { rows, nextCursor } = await suppressions.list({
          projectId,
          limit: query.limit,
          beforeId: keyOfCursor(query.cursor, (key) => isId('suppression', key)),
          address: query.address ?? null,
          reason: query.reason ?? null,
          source: query.source ?? null,
          stream: query.stream ?? null,
          nowMs: now(),
        });
        const body = { data: rows.map(toSuppressionJson), next_cursor: nextCursor };
        return { status: 200, body };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/suppressions/{id}',
      auth: 'read',
      group: 'Suppressions',
      summary: 'One entry of the list',
      params: idParam('id', 'entry'),
      responses: { 200: { description: 'The entry.', schema: suppressionSchema } },
      async handle({ projectId, params }) {
        const entry = await find(projectId, String(params['id']));
        return { status: 200, body: toSuppressionJson(entry) };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/suppressions/{id}',
      auth: 'manage',
      group: 'Suppressions',
      summary: 'Take an address off the list',
      description:
        'Mail to it is sent again. suppression.removed tells of it. The next hard bounce, complaint or unsubscribe puts it back.',
      params: idParam('id', 'entry'),
      responses: { 204: { description: 'Off the list.' } },
      async handle({ projectId, params }) {
        const entry = await find(projectId, String(params['id']));
        const event = tell('suppression.removed', { ...entry, source: 'api' });
        await deps.log.append([event], [suppressions.removal(projectId, entry.id)]);
        return { status: 204 };
      },
    }),
  ];
}
