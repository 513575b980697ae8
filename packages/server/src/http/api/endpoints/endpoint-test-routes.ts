import type { EventType } from '@posthorn/sdk';
import { z } from 'zod';
import { sampleEvent } from '../../../core/events/event-samples.ts';
import { deliveryId, type Ids } from '../../../core/ids.ts';
import { dialectOf } from '../../../core/webhooks/dialects.ts';
import type { DialectName } from '../../../core/webhooks/endpoint-settings.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { EventLog } from '../../../store/log/event-log.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import type { LiveEndpoint } from '../../../webhooks/endpoints/live-endpoint.ts';
import { renderPost } from '../../../webhooks/render.ts';
import { type EvaluateText, transformEvent } from '../../../webhooks/transform/transform-unit.ts';
import { defineRoute, type Route } from '../../route.ts';
import { typeSchema } from '../events/event-data-schema.ts';
import { refuse } from './apply-fields.ts';
import type { EndpointAccess } from './endpoint-access.ts';
import { endpointParam } from './endpoint-fields.ts';
import { showHeaderList } from './endpoint-headers.ts';

const testFields = {
  type: typeSchema
    .optional()
    .describe(
      'Which event to send a sample of; GET /v1/event-types lists them. By default system.test, or email.delivered in a dialect that has no word for it.',
    ),
};

const testBody = z.strictObject(testFields).prefault({});

export function createEndpointTestRoutes(deps: {
  access: EndpointAccess;
  directory: Pick<EndpointDirectory, 'lookUp'>;
  evaluateText: EvaluateText;
  log: Pick<EventLog, 'append'>;
  ids: Ids;
  now: () => number;
}): Route[] {
  const { access, directory, ids, log, now } = deps;

  /** Throws `invalid_field` where the transformation leaves nothing to post. */
  async function transformed(body: string, live: LiveEndpoint): Promise<{ text?: string }> {
    if (live.record.settings.transformation === null) return {};
    const made = await transformEvent(body, live, deps.evaluateText);
    if ('text' in made) return made;
    refuse('/type', made.failure.errorDetail ?? 'Nothing would be posted.');
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/endpoints/{id}/test',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'Send a test event',
      description:
        'A sample of this type, marked by data.test, goes through the log to this endpoint alone, whatever its filter. What became of it stands at GET /v1/deliveries/{delivery_id}.',
      params: endpointParam,
      body: testBody,
      responses: {
        202: {
          description: 'On its way.',
          schema: z.object({ event_id: z.string(), delivery_id: z.string(), type: typeSchema }),
        },
      },
      async handle({ projectId, params, body, remember }) {
        const { record } = access.find(projectId, params.id);
        const { id, uid, url, description, status, settings } = record;
        if (status === 'disabled') {
          const detail = 'This endpoint is disabled. Enable it first: PATCH {"status": "enabled"}.';
          throw new PosthornError('conflict', detail);
        }
        const eventId = ids.next('event');
        const endpoint = { id, uid, url, description };
        const type = typeFor(settings.dialect, body.type);
        const sample = sampleEvent(type, { id: eventId, atMs: now(), endpoint });
        // The log gives the position itself.
        const { sequence: _s, state: _t, previous_state: _p, ...data } = sample.data;
        const answer = {
          status: 202,
          body: { event_id: eventId, delivery_id: deliveryId(eventId, id), type },
        };
        const event = { ...sample, data };
        await log.append([{ projectId, event, dedupKey: null, onlyTo: id }], remember(answer));
        return answer;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/endpoints/{id}/preview',
      auth: 'read',
      group: 'Endpoints',
      summary: 'What a post to it looks like',
      description:
        'A sample of this type as this endpoint would get it now: its dialect, its headers, its signature. Nothing is sent or stored.',
      params: endpointParam,
      query: z.strictObject(testFields),
      responses: {
        200: {
          description: 'The post.',
          schema: z.object({
            method: z.literal('POST'),
            url: z.string(),
            type: typeSchema,
            headers: z.array(z.object({ name: z.string(), value: z.string() })),
            body: z.string(),
          }),
        },
      },
      async handle({ projectId, params, query }) {
        const { record } = access.find(projectId, params.id);
        const live = directory.lookUp(projectId, record.id);
        if (live === null)
          throw new PosthornError('not_found', `There is no endpoint ${params.id}.`);
        const { id, uid, url, description, settings } = record;
        const type = typeFor(settings.dialect, query.type);
        const nowMs = now();
        const eventId = ids.next('event');
        const sample = sampleEvent(type, {
          id: eventId,
          atMs: nowMs,
          endpoint: { id, uid, url, description },
        });
        const body = JSON.stringify(sample);
        const text = await transformed(body, live);
        const unit = { deliveries: [{ eventId, body }], groups: null, isBatch: false, ...text };
        const post = renderPost(unit, live, nowMs);
        if ('unsendable' in post) refuse('/type', post.unsendable);
        const headers = showHeaderList(post.headers, live.secrets.headers);
        const shown = { method: 'POST' as const, url, type, headers };
        return { status: 200, body: { ...shown, body: Buffer.from(post.body).toString() } };
      },
    }),
  ];
}

/** Throws `invalid_field` for a type that the dialect has no word for. */
function typeFor(name: DialectName, wanted: EventType | undefined): EventType {
  const { carries } = dialectOf(name);
  const type = wanted ?? (carries['system.test'] === undefined ? 'email.delivered' : 'system.test');
  if (carries[type] !== undefined) return type;
  const known = Object.keys(carries).join(', ');
  refuse('/type', `The dialect ${name} has no word for ${type}. It carries: ${known}.`);
}
