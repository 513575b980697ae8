import { createSecretKey, randomBytes } from 'node:crypto';
import { type CanonicalEvent, signStandardWebhook } from '@posthorn/sdk';
import { createGroupCommit } from 'posthorn/src/lib/group-commit.ts';
import { Pool } from 'undici';
import { IN_FLIGHT } from '../engine.ts';

/** One way to get events to an endpoint: each accepts, posts signed, records the result and retries. */
export interface Peer {
  name: string;
  /** What it promises for an event whose `append` has resolved. */
  guarantee: string;
  append(event: CanonicalEvent): Promise<void>;
  /** Events whose post has ended, well or badly; `listen` is called when there are more. */
  done(): number;
  listen(listener: () => void): void;
  /** Resolves once all results are recorded. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** Attempts and the first wait, for those who are told: as many as Posthorn makes by default. */
export const ATTEMPTS = 10;
export const FIRST_WAIT_SECONDS = 5;

/** Signs and posts as Posthorn does. Throws when the answer is not 2xx, so that its caller retries. */
export interface Sender {
  post(event: CanonicalEvent): Promise<{ status: number; ms: number }>;
  close(): Promise<void>;
}

export function createSender(url: string): Sender {
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections: IN_FLIGHT, pipelining: 1 });
  const key = createSecretKey(randomBytes(32));
  return {
    async post(event) {
      const body = Buffer.from(JSON.stringify(event));
      const startedAt = performance.now();
      const timestamp = Math.floor(Date.now() / 1_000);
      const headers = {
        'content-type': 'application/json',
        'webhook-id': event.id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signStandardWebhook({ key, id: event.id, timestamp, body }),
      };
      const answer = await pool.request({ path, method: 'POST', headers, body });
      await answer.body.dump();
      if (answer.statusCode >= 300) throw new Error(`The endpoint answered ${answer.statusCode}.`);
      return { status: answer.statusCode, ms: performance.now() - startedAt };
    },
    close: () => pool.close(),
  };
}

/**
 * Hands over in one call what comes while the call before is under way, as Posthorn's own log does; one
 * at a time each would pay for an fsync of its own.
 */
export function collect<T>(write: (items: T[]) => Promise<void>): (item: T) => Promise<void> {
  const commit = createGroupCommit<{ item: T; end: (error?: unknown) => void }>({
    maxItems: 512,
    async flush(waiting) {
      try {
        await write(waiting.map(({ item }) => item));
        return () => waiting.forEach(({ end }) => void end());
      } catch (error) {
        return () => waiting.forEach(({ end }) => void end(error));
      }
    },
  });
  return (item) =>
    new Promise((resolve, reject) => {
      commit.add({
        item,
        end: (error) => (error === undefined ? resolve() : reject(error as Error)),
      });
    });
}

/** Counts ended posts and tells whoever listens. */
export function createTally(): Pick<Peer, 'done' | 'listen'> & { add(): void } {
  let count = 0;
  let told = (): void => {};
  return {
    add() {
      count += 1;
      told();
    },
    done: () => count,
    listen(listener) {
      told = listener;
    },
  };
}

/** Asks until it is so. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}
