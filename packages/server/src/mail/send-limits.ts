import type { CanonicalEvent } from '@posthorn/sdk';
import type { Ids } from '../core/ids.ts';
import { type Clock, toTimestamp } from '../lib/clock.ts';
import { PosthornError } from '../lib/errors.ts';
import { StoreConflict } from '../store/engine.ts';
import type { EventLog, NewEvent } from '../store/log/event-log.ts';
import type { SendWindow, SendWindows } from '../store/mail/send-windows.ts';

/** How much a project may send; null: no limit. */
export interface SendingLimits {
  emailsPerHour: number | null;
  emailsPerDay: number | null;
}

export interface SendLimits {
  /**
   * Counts so many recipients, in all windows or in none. Resolves with what gives them back, should the
   * message not be stored. Rejects with SendLimitReached.
   */
  take(projectId: string, count: number): Promise<() => void>;
}

/** For HTTP a 429, for SMTP a 451: it may come again when the window is over. */
export class SendLimitReached extends PosthornError {
  readonly smtpCode = 451;
  readonly enhancedCode = '4.7.1';
}

const PERIODS = [
  { period: 'hour', lengthMs: 3_600_000, limitOf: (all: SendingLimits) => all.emailsPerHour },
  { period: 'day', lengthMs: 86_400_000, limitOf: (all: SendingLimits) => all.emailsPerDay },
] as const;

/**
 * A node takes this part of a limit at a time and spends it from memory, so that a commit for counting
 * comes once for many messages. What it holds when it dies counts as sent.
 */
const BLOCK_PARTS = 100;
const APPROACHING = 0.9;
/** Somebody always gets through, so this many can only be a fault. */
const MAX_TRIES = 50;

interface Window extends SendWindow {
  endsMs: number;
  limit: number;
}

interface Held {
  startMs: number;
  /** Taken from the store and not spent yet. */
  left: number;
  /** The limit that is used up, so that the store need not be asked again. */
  fullAt: number | null;
  isRefusalTold: boolean;
}

export function createSendLimits(deps: {
  windows: SendWindows;
  log: EventLog;
  limitsOf: (projectId: string) => SendingLimits;
  ids: Ids;
  clock: Clock;
}): SendLimits {
  const { windows: stored, log, ids, clock } = deps;
  const held = new Map<string, Held>();
  /** One taker of a project at a time, so that two do not take two blocks. */
  const turns = new Map<string, Promise<unknown>>();

  function windowsOf(projectId: string): Window[] {
    const limits = deps.limitsOf(projectId);
    const nowMs = clock.now();
    return PERIODS.flatMap(({ period, lengthMs, limitOf }) => {
      const limit = limitOf(limits);
      if (limit === null) return [];
      const startMs = nowMs - (nowMs % lengthMs);
      return [{ projectId, period, startMs, endsMs: startMs + lengthMs, limit }];
    });
  }

  function heldOf({ projectId, period, startMs }: Window): Held {
    const key = `${projectId}/${period}`;
    const found = held.get(key);
    if (found?.startMs === startMs) return found;
    const fresh = { startMs, left: 0, fullAt: null, isRefusalTold: false };
    held.set(key, fresh);
    return fresh;
  }

  async function takeNow(projectId: string, count: number): Promise<() => void> {
    const windows = windowsOf(projectId);
    const lacking = windows.filter((window) => heldOf(window).left < count);
    if (lacking.length > 0) await takeBlocks(lacking, count);
    const spent = windows.map(heldOf);
    for (const own of spent) own.left -= count;
    return () => {
      for (const own of spent) own.left += count;
    };
  }

  async function takeBlocks(lacking: readonly Window[], count: number): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const blocks = [];
      const refused = [];
      for (const window of lacking) {
        const own = heldOf(window);
        const need = count - own.left;
        const isKnownFull = own.fullAt === window.limit;
        const seen = isKnownFull ? window.limit : await stored.used(window);
        const free = window.limit - (seen ?? 0);
        if (free <= 0) own.fullAt = window.limit;
        if (free < need) {
          refused.push({ window, used: seen ?? 0 });
          continue;
        }
        const size = Math.min(free, Math.max(need, Math.floor(window.limit / BLOCK_PARTS)));
        blocks.push({ window, seen, size, used: (seen ?? 0) + size });
      }
      if (refused.length > 0) await refuse(refused, count);
      const events = blocks
        .filter(({ window: { limit }, seen, used }) => {
          return (seen ?? 0) < limit * APPROACHING && used >= limit * APPROACHING;
        })
        .map(({ window, used }) => tell('account.send_limit_approaching', window, used));
      try {
        await log.append(
          events,
          blocks.flatMap(({ window, seen, used }) => stored.counting(window, seen, used)),
        );
        for (const { window, size } of blocks) heldOf(window).left += size;
        return;
      } catch (error) {
        // Another node was faster.
        if (!(error instanceof StoreConflict) || tries === MAX_TRIES) throw error;
      }
    }
  }

  /** Tells of each window that is used up, and says when the last of them is over. */
  async function refuse(
    refused: readonly { window: Window; used: number }[],
    count: number,
  ): Promise<never> {
    for (const { window, used } of refused) {
      const own = heldOf(window);
      if (own.isRefusalTold) continue;
      own.isRefusalTold = true;
      await log.append([tell('account.send_limit_exceeded', window, used)]).catch(() => {
        own.isRefusalTold = false;
      });
    }
    const last = refused.reduce((a, b) => (b.window.endsMs > a.window.endsMs ? b : a));
    const { period, limit, endsMs } = last.window;
    const allowed = `This project may send ${limit} emails ${period === 'hour' ? 'an hour' : 'a day'}`;
    const detail =
      count > limit
        ? `${allowed}, and these are ${count} at once. Send fewer at a time.`
        : `${allowed}, and ${last.used} are used. The next ${period} begins at ${toTimestamp(endsMs)}.`;
    const retryAfterSeconds = Math.max(1, Math.ceil((endsMs - clock.now()) / 1_000));
    throw new SendLimitReached('send_limit_reached', detail, { retryAfterSeconds });
  }

  /** Once a window, whichever node says it: the key is the same. */
  function tell(type: CanonicalEvent['type'], window: Window, used: number): NewEvent {
    const { projectId, period, limit, startMs, endsMs } = window;
    const timestamp = toTimestamp(clock.now());
    const used_percent = limit === 0 ? 100 : Math.floor((used / limit) * 100);
    const send_limit = { period, limit, used, used_percent, resets_at: toTimestamp(endsMs) };
    const data = { provider: 'posthorn', source: null, received_at: timestamp, send_limit };
    return {
      projectId,
      dedupKey: `${type}/${period}/${startMs}`,
      event: { id: ids.next('event'), type, timestamp, data },
    };
  }

  return {
    async take(projectId, count) {
      if (windowsOf(projectId).length === 0) return () => {};
      const before = turns.get(projectId) ?? Promise.resolve();
      const mine = before.catch(() => {}).then(() => takeNow(projectId, count));
      turns.set(projectId, mine);
      try {
        return await mine;
      } finally {
        if (turns.get(projectId) === mine) turns.delete(projectId);
      }
    },
  };
}
