import { z } from 'zod';
import { PosthornError } from '../../../lib/errors.ts';
import type { EventLog } from '../../../store/log/event-log.ts';
import type { Events } from '../../../store/log/events.ts';
import type { EndpointDirectory } from '../../../webhooks/endpoints/endpoint-directory.ts';
import {
  type EndpointDefaults,
  toLiveEndpoint,
} from '../../../webhooks/endpoints/live-endpoint.ts';
import { previewEvents } from '../../../webhooks/transform/preview.ts';
import type { EvaluateText } from '../../../webhooks/transform/transform-unit.ts';
import { defineRoute, type Route } from '../../route.ts';
import { latestEvents, previewLimit, previewSchema, toPreviewJson } from '../preview-events.ts';
import { applyFields } from './apply-fields.ts';
import type { EndpointAccess } from './endpoint-access.ts';
import { endpointParam, optionalFields } from './endpoint-fields.ts';

const { event_types, filter, transformation } = z.strictObject(optionalFields).partial().shape;

const previewBody = z
  .strictObject({ event_types, filter, transformation, limit: previewLimit })
  .prefault({});

export function createEndpointPreviewRoutes(deps: {
  access: EndpointAccess;
  directory: Pick<EndpointDirectory, 'lookUp'>;
  endpointDefaults: EndpointDefaults;
  events: Pick<Events, 'list'>;
  evaluateText: EvaluateText;
  log: Pick<EventLog, 'append'>;
  now: () => number;
}): Route[] {
  const { access, directory, events, log, now } = deps;
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/endpoints/{id}/preview',
      auth: 'manage',
      group: 'Endpoints',
      summary: 'Preview what an endpoint gets',
      description:
        'What would be posted of the latest events, with the types, the filter and the transformation given here in place of those of the endpoint. Nothing is sent or stored.',
      params: endpointParam,
      body: previewBody,
      responses: { 200: { description: 'By event.', schema: previewSchema } },
      async handle({ projectId, params, body, remember }) {
        const { record, secrets } = access.find(projectId, params.id);
        const live = directory.lookUp(projectId, record.id);
        if (live === null)
          throw new PosthornError('not_found', `There is no endpoint ${params.id}.`);
        const { limit, ...fields } = body;
        const { hasPublicUrl } = access;
        const draft = applyFields({ ...record, secrets }, fields, { nowMs: now(), hasPublicUrl });
        const { redactKey } = live;
        const wanted = { ...record, eventTypes: draft.eventTypes, settings: draft.settings };
        const endpoint = toLiveEndpoint(wanted, secrets, { ...deps.endpointDefaults, redactKey });
        const latest = await latestEvents(events, projectId, limit);
        const lines = await previewEvents(latest, endpoint, deps.evaluateText);
        const answer = { status: 200, body: toPreviewJson(lines) };
        await log.append([], remember(answer));
        return answer;
      },
    }),
  ];
}
