import { messageOf } from '../../errors.ts';
import type { Inbox } from '../inbox.ts';
import { SCRIPTS } from './scripts.ts';

/** What is needed of a client of `ioredis` (`call`) or of `redis` (`sendCommand`). */
export type RedisClient =
  | { call(command: string, ...values: string[]): Promise<unknown> }
  | { sendCommand(words: string[]): Promise<unknown> };

export interface RedisInboxOptions {
  /** Connected; you close it. */
  client: RedisClient;
  /** What its keys begin with. */
  prefix?: string;
}

/**
 * An inbox in Redis 4 and newer. Only as durable as Redis is configured: `open` warns unless every write
 * is synced (`appendonly yes`, `appendfsync always`).
 */
export function createRedisInbox({ client, prefix = 'posthorn:inbox' }: RedisInboxOptions): Inbox {
  const send = (words: string[]): Promise<unknown> => {
    if (!('call' in client)) return client.sendCommand(words);
    const [command = '', ...values] = words;
    return client.call(command, ...values);
  };

  const run = (
    script: keyof typeof SCRIPTS,
    queue: string,
    values: readonly (string | number)[],
  ): Promise<unknown> =>
    send(['EVAL', SCRIPTS[script], '1', `${prefix}:{${queue}}`, ...values.map(String)]);

  const didRun = async (...call: Parameters<typeof run>): Promise<boolean> =>
    Number(await run(...call)) === 1;

  return {
    open: async () => ({ warnings: await findWarnings(send) }),

    async put({ queue, entries, nowMs, retainUntilMs, replay }) {
      const given = entries.flatMap(({ key, lane, event }) => [key, lane ?? '', event]);
      const known = [replay?.key ?? '', replay?.digest ?? ''];
      const fresh = await run('put', queue, [nowMs, retainUntilMs, ...known, ...given]);
      return fresh === null ? { replayed: true } : { replayed: false, fresh: texts(fresh) };
    },

    async claim({ queue, lease, nowMs, leaseMs, limit }) {
      const rows = await run('claim', queue, [nowMs, nowMs + leaseMs, limit, lease]);
      return rowsOf(rows).map(([key = '', lane = '', event = '', attempt, receivedAtMs]) => ({
        key,
        lane: lane === '' ? null : lane,
        event,
        lease,
        attempt: Number(attempt),
        receivedAtMs: Number(receivedAtMs),
      }));
    },

    renew: async (queue, held, untilMs) =>
      texts(
        await run('renew', queue, [untilMs, ...held.flatMap(({ key, lease }) => [key, lease])]),
      ),
    finish: (queue, { key, lease }) => didRun('finish', queue, [key, lease]),
    postpone: (queue, { key, lease }, { dueMs, error }) =>
      didRun('postpone', queue, [key, lease, dueMs, error]),
    bury: (queue, { key, lease }, { retainUntilMs, error }) =>
      didRun('bury', queue, [key, lease, retainUntilMs, error]),

    async listDead(queue, { limit, before }) {
      const highest = before === undefined ? '+inf' : `(${before}`;
      const rows = await run('listDead', queue, [highest, limit]);
      return rowsOf(rows).map(
        ([key = '', event = '', attempts, receivedAtMs, error = '', position]) => ({
          key,
          event,
          attempts: Number(attempts),
          receivedAtMs: Number(receivedAtMs),
          error,
          position: Number(position),
        }),
      );
    },
    revive: (queue, key, nowMs) => didRun('revive', queue, [key, nowMs]),
    discard: (queue, key) => didRun('discard', queue, [key]),

    async stats(queue) {
      const [pending, dead, oldest = '', last = ''] = texts(await run('stats', queue, []));
      return {
        pending: Number(pending),
        dead: Number(dead),
        oldestPendingMs: oldest === '' ? null : Number(oldest),
        lastReceivedMs: last === '' ? null : Number(last),
      };
    },
    purge: async (queue, nowMs, limit) => Number(await run('purge', queue, [nowMs, limit])),
  };
}

function texts(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.map(String) : [];
}

function rowsOf(reply: unknown): string[][] {
  return Array.isArray(reply) ? reply.map(texts) : [];
}

async function findWarnings(send: (words: string[]) => Promise<unknown>): Promise<string[]> {
  const setting = async (name: string): Promise<string | undefined> => {
    const reply = await send(['CONFIG', 'GET', name]);
    return Array.isArray(reply) ? String(reply[1]) : undefined;
  };
  try {
    const [isOn, sync] = [await setting('appendonly'), await setting('appendfsync')];
    if (isOn === 'yes' && sync === 'always') return [];
    return [
      `Redis is not set to sync every write (appendonly ${isOn}, appendfsync ${sync}): after a crash of it, events that were acknowledged may be missing.`,
    ];
  } catch (error) {
    return [`Redis does not tell whether it syncs every write: ${messageOf(error)}`];
  }
}
