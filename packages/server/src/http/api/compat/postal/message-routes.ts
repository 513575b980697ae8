import { numberFor } from '@posthorn/sdk';
import type { Events } from '../../../../store/log/events.ts';
import type { Messages } from '../../../../store/mail/messages.ts';
import { requireScope } from '../../../access/authenticate.ts';
import type { ForeignRoute } from '../foreign-api.ts';
import { answerSuccess } from './envelope.ts';
import { findMessage } from './find-message.ts';
import { EXPANSIONS, toDeliveries } from './message-json.ts';
import { readParameters } from './parameters.ts';
import { METHODS } from './send-routes.ts';

const MAX_EVENTS = 1_000;

/** /messages/message and /messages/deliveries. */
export function createMessageRoutes(deps: {
  messages: Pick<Messages, 'get' | 'list' | 'recipients' | 'raw'>;
  events: Pick<Events, 'ofMessage'>;
  now: () => number;
}): ForeignRoute[] {
  const { messages, events, now } = deps;
  return [
    {
      methods: METHODS,
      path: '/messages/message',
      async handle({ caller, body, startedMs }) {
        requireScope(caller, 'read');
        const { projectId } = caller;
        const parameters = readParameters(body);
        const message = await findMessage(messages, projectId, parameters);
        const [recipients, told, raw] = await Promise.all([
          messages.recipients(projectId, message.id),
          events.ofMessage(projectId, message.id, MAX_EVENTS),
          messages.raw(projectId, message.id),
        ]);
        const shown: Record<string, unknown> = { id: numberFor(message.id), token: message.id };
        const wanted = parameters['_expansions'];
        for (const [name, expand] of Object.entries(EXPANSIONS)) {
          if (wanted !== true && !(Array.isArray(wanted) && wanted.includes(name))) continue;
          shown[name] = await expand({ message, recipients, events: told, raw });
        }
        return answerSuccess(shown, now() - startedMs);
      },
    },
    {
      methods: METHODS,
      path: '/messages/deliveries',
      async handle({ caller, body, startedMs }) {
        requireScope(caller, 'read');
        const message = await findMessage(messages, caller.projectId, readParameters(body));
        const told = await events.ofMessage(caller.projectId, message.id, MAX_EVENTS);
        return answerSuccess(toDeliveries(told), now() - startedMs);
      },
    },
  ];
}
