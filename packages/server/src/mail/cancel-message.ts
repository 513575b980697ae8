import type { Ids } from '../core/ids.ts';
import { type Statement, StoreConflict } from '../store/engine.ts';
import type { EventLog } from '../store/log/event-log.ts';
import type { HeldMessages } from '../store/mail/held-messages.ts';
import type { MessageRecord, Messages } from '../store/mail/messages.ts';
import { createMailEvent } from './mail-event.ts';

/** What became of one recipient: `under_way`: a node holds it, and it may be sent at this moment. */
export interface CancelOutcome {
  address: string;
  outcome: 'canceled' | 'under_way' | 'ended';
}

/** Nodes claim meanwhile what is due; each time that happens, less is left to cancel. */
const MAX_TRIES = 5;

/**
 * Takes out of the queue what no node holds, and what waits for a person, with its `email.rejected` in the same commit. Each recipient
 * is told of, in the order of the message. Rejects with StoreConflict when others were always faster.
 */
export async function cancelMessage(
  message: MessageRecord,
  deps: {
    messages: Pick<Messages, 'cancelable' | 'cancellation' | 'recipients'>;
    held: Pick<HeldMessages, 'get' | 'removal'>;
    log: EventLog;
    ids: Ids;
    now: () => number;
    /** Statements of the request itself, given what it will answer. */
    beside: (outcomes: CancelOutcome[]) => readonly Statement[];
  },
): Promise<CancelOutcome[]> {
  const { messages, ids } = deps;
  const { projectId, id: messageId } = message;
  for (let tries = 1; ; tries += 1) {
    const free = await messages.cancelable(projectId, messageId);
    const outcomes = await describe(message, free, messages);
    const hold = await deps.held.get(projectId, messageId);
    if (free.length === 0) {
      const isDone = outcomes.some(({ outcome }) => outcome === 'canceled');
      const remembered = isDone ? deps.beside(outcomes) : [];
      if (remembered.length > 0) await deps.log.append([], remembered);
      return outcomes;
    }
    const atMs = deps.now();
    const events = free.map((recipient) => {
      const [id, type] = [ids.next('event'), 'email.rejected' as const];
      const about = { atMs, message, recipient, rejectReason: 'canceled' as const };
      return { projectId, dedupKey: null, event: createMailEvent({ id, type, ...about }) };
    });
    const statements = free.map((recipient) => {
      return messages.cancellation({ projectId, messageId, recipient });
    });
    try {
      // No node has what is held, so all of it is free, and nothing is left to be reviewed.
      if (hold !== null) statements.push(deps.held.removal(projectId, messageId));
      await deps.log.append(events, [...statements, ...deps.beside(outcomes)]);
      return outcomes;
    } catch (error) {
      if (!(error instanceof StoreConflict) || tries === MAX_TRIES) throw error;
    }
  }
}

async function describe(
  { projectId, id }: MessageRecord,
  free: readonly string[],
  messages: Pick<Messages, 'recipients'>,
): Promise<CancelOutcome[]> {
  const rows = await messages.recipients(projectId, id);
  return rows.map(({ recipient: address, queue }) => {
    if (queue === 'canceled' || free.includes(address)) return { address, outcome: 'canceled' };
    return { address, outcome: queue === 'queued' ? 'under_way' : 'ended' };
  });
}
