import { z } from 'zod';
import { type Ids, isId } from '../../../core/ids.ts';
import { PosthornError } from '../../../lib/errors.ts';
import { type CancelOutcome, cancelMessage } from '../../../mail/cancel-message.ts';
import type { EventLog } from '../../../store/log/event-log.ts';
import type { HeldMessages } from '../../../store/mail/held-messages.ts';
import type { Messages } from '../../../store/mail/messages.ts';
import { defineRoute, type Route } from '../../route.ts';
import { idParam } from '../schemas.ts';

const cancelAnswer = z.object({
  id: z.string(),
  recipients: z.array(
    z.object({
      address: z.string(),
      outcome: z
        .enum(['canceled', 'under_way', 'ended'])
        .describe('under_way: it may be sent at this moment. ended: it had a final state before.'),
    }),
  ),
});

export function createCancelRoutes(deps: {
  messages: Pick<Messages, 'get' | 'cancelable' | 'cancellation' | 'recipients'>;
  heldMessages: Pick<HeldMessages, 'get' | 'removal'>;
  log: EventLog;
  ids: Ids;
  now: () => number;
}): Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/v1/messages/{id}/cancel',
      auth: 'send',
      group: 'Messages',
      summary: 'Do not send a message, or stop trying',
      description:
        'Takes the recipients that wait out of the queue: of a scheduled message, of one that is tried again later, or of one that is held. Each gets email.rejected with the reason "canceled".',
      params: idParam('id', 'message'),
      responses: { 200: { description: 'Canceled, for these recipients.', schema: cancelAnswer } },
      async handle({ projectId, params, remember }) {
        const id = String(params['id']);
        const message = isId('message', id) ? await deps.messages.get(projectId, id) : null;
        if (message === null) throw new PosthornError('not_found', `There is no message ${id}.`);
        const toAnswer = (recipients: CancelOutcome[]) => ({
          status: 200,
          body: { id, recipients },
        });
        const outcomes = await cancelMessage(message, {
          ...deps,
          held: deps.heldMessages,
          beside: (all) => remember(toAnswer(all)),
        });
        if (outcomes.some(({ outcome }) => outcome === 'canceled')) return toAnswer(outcomes);
        const detail = outcomes.some(({ outcome }) => outcome === 'under_way')
          ? 'The message is being sent at this moment. What is not delivered now can be canceled then.'
          : 'Every recipient of the message has a final state.';
        throw new PosthornError('conflict', detail);
      },
    }),
  ];
}
