import type { Ids } from '../core/ids.ts';
import type { Clock } from '../lib/clock.ts';
import { StoreConflict } from '../store/engine.ts';
import type { EventLog, NewEvent } from '../store/log/event-log.ts';
import type { Expectation, Expectations } from '../store/mail/expectations.ts';
import type { MessageRecord, Messages } from '../store/mail/messages.ts';
import type { RecipientRow } from '../store/mail/transmissions.ts';
import { createMailEvent } from './mail-event.ts';

/**
 * How often the store is asked, ms: so late `email.overdue` may be. Any node may have taken the message,
 * and one asks for all; what is asked is one look at the beginning of an index.
 */
const LOOK_AGAIN_MS = 2_000;
const AT_ONCE = 100;

/**
 * Tells, once, of each recipient that has no final state by the time that its sender asked for. Whoever was
 * canceled, suppressed or dropped has one.
 */
export function createExpectationWatch(deps: {
  expectations: Pick<Expectations, 'due' | 'nextDueAtMs' | 'removal'>;
  messages: Pick<Messages, 'get' | 'recipients'>;
  log: EventLog;
  ids: Ids;
  clock: Pick<Clock, 'now'>;
}): {
  /** Resolves to when the next look is due, ms. */
  round(): Promise<number>;
} {
  const { expectations, messages, log, ids, clock } = deps;

  async function tell(expectation: Expectation): Promise<void> {
    const { projectId, messageId } = expectation;
    const message = await messages.get(projectId, messageId);
    const rows = message === null ? [] : await messages.recipients(projectId, messageId);
    const events = rows.filter(isOpen).flatMap((row) => overdue(message, row.recipient));
    try {
      await log.append(events, [expectations.removal(expectation)]);
    } catch (error) {
      // Another node had the duty still, and has told.
      if (!(error instanceof StoreConflict)) throw error;
    }
  }

  function overdue(message: MessageRecord | null, recipient: string): NewEvent[] {
    if (message === null) return [];
    const [id, type, atMs] = [ids.next('event'), 'email.overdue' as const, clock.now()];
    const event = createMailEvent({ id, type, atMs, message, recipient });
    return [{ projectId: message.projectId, dedupKey: null, event }];
  }

  return {
    async round() {
      const due = await expectations.due(clock.now(), AT_ONCE);
      for (const one of due) await tell(one);
      if (due.length === AT_ONCE) return 0;
      const nextMs = await expectations.nextDueAtMs();
      if (nextMs === null) return LOOK_AGAIN_MS;
      return Math.min(LOOK_AGAIN_MS, Math.max(0, nextMs - clock.now()));
    },
  };
}

function isOpen({ queue }: RecipientRow): boolean {
  return queue === 'queued' || queue === 'held';
}
