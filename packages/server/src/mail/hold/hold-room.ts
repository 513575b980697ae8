import type { Ids } from '../../core/ids.ts';
import { bodyRetainUntil } from '../../core/mail/body-retention.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Statement, StoreConflict } from '../../store/engine.ts';
import type { EventLog, NewEvent } from '../../store/log/event-log.ts';
import type { HeldMessages, HeldRecord } from '../../store/mail/held-messages.ts';
import type { MessageRecord, Messages } from '../../store/mail/messages.ts';
import type { FreshMail } from '../accept-message.ts';
import type { SenderRules } from '../domains/sender-rules.ts';
import { createMailEvent } from '../mail-event.ts';
import type { SendLimits } from '../send-limits.ts';
import type { SuppressionCheck } from '../suppression/suppression-check.ts';
import { toSuppressionBlock } from '../suppression/suppression-event.ts';
import { toHoldBlock } from './held-record.ts';

/** What became of a recipient whose message was let go or dropped. */
export interface HoldOutcome {
  address: string;
  /** `suppressed`: let go, and on the suppression list by then. */
  outcome: 'released' | 'suppressed' | 'dropped';
}

/** Statements of the request itself, given what it will answer. */
type Beside = (outcomes: HoldOutcome[]) => readonly Statement[];

export interface HoldRoom {
  /**
   * Into the queue with it, as if it had come in now: held against the suppression list, the sender's
   * domain and the limits once more, and signed. Null: it is not held (any more). Throws
   * `unverified_domain` and SendLimitReached, and then it stays held.
   */
  release(projectId: string, messageId: string, beside?: Beside): Promise<HoldOutcome[] | null>;
  /** It is never sent. Null: it is not held (any more). */
  drop(projectId: string, messageId: string, beside?: Beside): Promise<HoldOutcome[] | null>;
  /** Drops what nobody has looked at in time; resolves to when the next look is due, ms. */
  expire(): Promise<number>;
}

/** Somebody else ends the hold at the same time; then it is over. */
const MAX_TRIES = 5;
const EXPIRED_AT_ONCE = 100;
/** Holds last for days, so nobody misses a minute. */
const LOOK_AGAIN_MS = 60_000;

export function createHoldRoom(deps: {
  messages: Pick<Messages, 'get' | 'raw' | 'recipients' | 'unholding' | 'renewal'>;
  held: HeldMessages;
  log: EventLog;
  suppressed: SuppressionCheck;
  senders: SenderRules;
  sendLimits: SendLimits;
  fresh: Pick<FreshMail, 'wake'>;
  expiryMs: number;
  retentionOf: (projectId: string) => { retentionMs: number; bodyRetentionMs: number };
  ids: Ids;
  clock: Pick<Clock, 'now'>;
}): HoldRoom {
  const { messages, held, log, ids, clock } = deps;

  /** Again, where somebody has changed what was read: a recipient was canceled or erased. */
  async function end(
    projectId: string,
    messageId: string,
    work: (message: MessageRecord, hold: HeldRecord, free: string[]) => Promise<HoldOutcome[]>,
  ): Promise<HoldOutcome[] | null> {
    for (let tries = 1; ; tries += 1) {
      const [message, hold, rows] = await Promise.all([
        messages.get(projectId, messageId),
        held.get(projectId, messageId),
        messages.recipients(projectId, messageId),
      ]);
      if (hold === null) return null;
      // Its message is gone: nobody is left to be asked about it.
      if (message === null) {
        await log.append([], [held.removal(projectId, messageId)]);
        return null;
      }
      const free = rows.filter(({ queue }) => queue === 'held').map(({ recipient }) => recipient);
      try {
        return await work(message, hold, free);
      } catch (error) {
        if (!(error instanceof StoreConflict) || tries === MAX_TRIES) throw error;
      }
    }
  }

  /** Moves recipients of one message on; none of them needs no statement. */
  function move(
    { projectId, id: messageId }: MessageRecord,
    recipients: readonly string[],
    to: { state: 'queued' | 'rejected'; dueAtMs: number },
  ): Statement[] {
    if (recipients.length === 0) return [];
    return [messages.unholding({ projectId, messageId, recipients, ...to })];
  }

  function tell(
    event: Omit<Parameters<typeof createMailEvent>[0], 'id' | 'atMs'>,
    atMs: number,
  ): NewEvent {
    const full = createMailEvent({ ...event, id: ids.next('event'), atMs });
    return { projectId: event.message.projectId, dedupKey: null, event: full };
  }

  async function letGo(
    message: MessageRecord,
    hold: HeldRecord,
    recipients: readonly string[],
    beside: Beside,
  ): Promise<HoldOutcome[]> {
    const { projectId, id, stream, headerFrom } = message;
    deps.senders.admit(projectId, headerFrom);
    const entries = await deps.suppressed({ projectId, stream, addresses: recipients });
    const free = recipients.filter((address) => !entries.has(address));
    const giveBack = await deps.sendLimits.take(projectId, free.length);
    try {
      const raw = await signed(message);
      const nowMs = clock.now();
      const dueAtMs = Math.max(nowMs, message.sendAtMs ?? 0);
      const events = recipients.map((recipient) => {
        const entry = entries.get(recipient);
        if (entry === undefined) {
          const block = { reason: hold.reason, rule: hold.rule, expires_at: null };
          return tell({ type: 'email.released', message, recipient, hold: block }, nowMs);
        }
        const suppression = toSuppressionBlock(entry);
        return tell({ type: 'email.rejected', message, recipient, suppression }, nowMs);
      });
      const outcomes = recipients.map((address): HoldOutcome => {
        return { address, outcome: entries.has(address) ? 'suppressed' : 'released' };
      });
      await log.append(events, [
        held.removal(projectId, id),
        ...move(message, free, { state: 'queued', dueAtMs }),
        ...move(message, [...entries.keys()], { state: 'rejected', dueAtMs: nowMs }),
        ...renew(message, raw, dueAtMs),
        ...beside(outcomes),
      ]);
      if (free.length > 0) deps.fresh.wake(dueAtMs);
      return outcomes;
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  /** A key may have been replaced since it came in. Null: nothing is to be signed. */
  async function signed({ projectId, id, headerFrom, tracking }: MessageRecord) {
    // Of which everybody gets his own copy is signed when that is made.
    const raw = tracking === null ? await messages.raw(projectId, id) : null;
    if (raw === null) return null;
    const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
    return deps.senders.sign(projectId, headerFrom, bytes);
  }

  function renew(message: MessageRecord, raw: Buffer | null, dueAtMs: number): Statement[] {
    const { expiryMs } = deps;
    const { retentionMs, bodyRetentionMs } = deps.retentionOf(message.projectId);
    const renewed = {
      ...message,
      sizeBytes: raw?.length ?? message.sizeBytes,
      expiresAtMs: dueAtMs + expiryMs,
      retainUntilMs: dueAtMs + retentionMs,
    };
    const bodyRetainUntilMs = bodyRetainUntil({ startsByMs: dueAtMs, bodyRetentionMs, expiryMs });
    return messages.renewal({ message: renewed, raw, bodyRetainUntilMs });
  }

  async function reject(
    message: MessageRecord,
    hold: HeldRecord,
    recipients: readonly string[],
    { reason, beside }: { reason: 'dropped' | 'hold_expired'; beside: Beside },
  ): Promise<HoldOutcome[]> {
    const nowMs = clock.now();
    const block = toHoldBlock(hold);
    const events = recipients.map((recipient) => {
      const about = { message, recipient, rejectReason: reason, hold: block };
      return tell({ type: 'email.rejected', ...about }, nowMs);
    });
    const outcomes = recipients.map((address): HoldOutcome => ({ address, outcome: 'dropped' }));
    await log.append(events, [
      held.removal(message.projectId, message.id),
      ...move(message, recipients, { state: 'rejected', dueAtMs: nowMs }),
      ...beside(outcomes),
    ]);
    return outcomes;
  }

  return {
    release: (projectId, messageId, beside = () => []) =>
      end(projectId, messageId, (message, hold, free) => letGo(message, hold, free, beside)),
    drop: (projectId, messageId, beside = () => []) =>
      end(projectId, messageId, (message, hold, free) =>
        reject(message, hold, free, { reason: 'dropped', beside }),
      ),
    async expire() {
      const over = await held.expired(clock.now(), EXPIRED_AT_ONCE);
      for (const { projectId, messageId } of over) {
        await end(projectId, messageId, (message, hold, free) =>
          reject(message, hold, free, { reason: 'hold_expired', beside: () => [] }),
        );
      }
      return over.length === EXPIRED_AT_ONCE ? 0 : LOOK_AGAIN_MS;
    },
  };
}
