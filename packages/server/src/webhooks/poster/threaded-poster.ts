import { Worker } from 'node:worker_threads';
import type { Log } from '../../lib/log.ts';
import type { LiveEndpoint } from '../endpoints/live-endpoint.ts';
import type { PostClientSettings } from '../post/configured-client.ts';
import { unsent } from '../post/post-result.ts';
import { type EndedAttempt, notPosted, type Poster } from './poster.ts';
import type { PosterReply, PosterRequest, PostRow, ResultRow } from './protocol.ts';

/**
 * Posting on threads: signing, HTTP and TLS leave the main thread to the log and the lanes. An
 * endpoint belongs to one thread, so that its connections are used again.
 *
 * A thread that dies (it should not) takes its posts along: they come back as a fault of ours, which
 * uses up no attempt, and a moment later a new thread takes its place.
 */
export function createThreadedPoster(options: {
  threads: number;
  settings: PostClientSettings;
  log: Log;
}): Poster {
  const threads = Array.from({ length: options.threads }, () =>
    createThread(options.settings, options.log),
  );
  const keys = new WeakMap<LiveEndpoint, { key: number; thread: PostingThread }>();
  let lastKey = 0;

  function placeOf(endpoint: LiveEndpoint): { key: number; thread: PostingThread } {
    let place = keys.get(endpoint);
    if (place === undefined) {
      lastKey += 1;
      const thread = threads[hash(endpoint.record.id) % threads.length];
      if (thread === undefined) throw new Error('There are no posting threads.');
      place = { key: lastKey, thread };
      keys.set(endpoint, place);
      thread.introduce(lastKey, endpoint);
    }
    return place;
  }

  return {
    post(endpoint, unit, startedAtMs) {
      const { key, thread } = placeOf(endpoint);
      const [only] = unit.deliveries;
      return thread.post((number) => {
        if (unit.groups === null && only !== undefined && unit.text === undefined) {
          return [number, key, startedAtMs, only.eventId, only.body];
        }
        const plain = ({ eventId, body }: { eventId: string; body: string }) => ({ eventId, body });
        const groups = unit.groups?.map((group) => group.map(plain)) ?? null;
        const deliveries = unit.deliveries.map(plain);
        const { isBatch, text } = unit;
        const made = text === undefined ? {} : { text };
        return [number, key, startedAtMs, { deliveries, groups, isBatch, ...made }];
      });
    },
    forget(endpoint, closeConnections) {
      const place = keys.get(endpoint);
      if (place === undefined) return;
      keys.delete(endpoint);
      place.thread.forget(place.key, closeConnections);
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

interface PostingThread {
  introduce(key: number, endpoint: LiveEndpoint): void;
  post(toRow: (number: number) => PostRow): Promise<EndedAttempt>;
  forget(key: number, closeConnections: boolean): void;
  close(): Promise<void>;
}

function createThread(settings: PostClientSettings, log: Log): PostingThread {
  const underWay = new Map<number, (ended: EndedAttempt) => void>();
  /** What a new thread has to be told again. */
  const known = new Map<number, Extract<PosterRequest, { kind: 'endpoint' }>>();
  let posts: PostRow[] = [];
  let lastNumber = 0;
  let closing: Promise<void> | null = null;
  let closed = (): void => {};
  /** Null for a moment after it has died. */
  let worker: Worker | null = start();

  function start(): Worker {
    const started = new Worker(new URL('./thread.ts', import.meta.url), { workerData: settings });
    started.on('message', receive);
    started.on('error', (error: Error) => {
      log.error({ error: error.message }, 'A posting thread has crashed; another takes its place');
    });
    started.on('exit', () => {
      worker = null;
      for (const end of underWay.values()) end(closing === null ? CRASHED : ABORTED);
      underWay.clear();
      if (closing === null) setTimeout(restart, RESTART_MS).unref();
      else closed();
    });
    return started;
  }

  function restart(): void {
    if (closing !== null) return;
    worker = start();
    for (const request of known.values()) worker.postMessage(request);
  }

  async function end(): Promise<void> {
    const ended = worker;
    if (ended === null) return;
    await new Promise<void>((resolve) => {
      closed = resolve;
      ended.postMessage({ kind: 'close' } satisfies PosterRequest);
    });
    await ended.terminate();
  }

  function receive(reply: PosterReply): void {
    if (reply.kind === 'closed') closed();
    else for (const row of reply.results) settle(row);
  }

  function settle(row: ResultRow): void {
    const [number] = row;
    underWay.get(number)?.(toEnded(row));
    underWay.delete(number);
  }

  function sendPosts(): void {
    const ready = posts;
    posts = [];
    worker?.postMessage({ kind: 'posts', posts: ready } satisfies PosterRequest);
  }

  return {
    introduce(key, live) {
      const { record, secrets, redactKey } = live;
      const { ladderMs, timeoutMs, concurrency, patienceMs, sender } = live;
      const defaults = { ladderMs, timeoutMs, concurrency, patienceMs, sender };
      const endpoint = { record, secrets, defaults, redactKey };
      const request = { kind: 'endpoint' as const, key, endpoint };
      known.set(key, request);
      worker?.postMessage(request);
    },
    post(toRow) {
      return new Promise((resolve) => {
        if (closing !== null) return resolve(ABORTED);
        if (worker === null) return resolve(CRASHED);
        lastNumber += 1;
        underWay.set(lastNumber, resolve);
        if (posts.length === 0) queueMicrotask(sendPosts);
        posts.push(toRow(lastNumber));
      });
    },
    forget(key, closeConnections) {
      known.delete(key);
      // Behind the posts of this turn.
      queueMicrotask(() => worker?.postMessage({ kind: 'forget', key, closeConnections }));
    },
    close() {
      closing ??= end();
      return closing;
    },
  };
}

/** How long after its death a thread is started anew, ms: one that cannot live must not do so all the time. */
const RESTART_MS = 1_000;

const ABORTED = notPosted(unsent('aborted', 'Posthorn is stopping.'));
const CRASHED = notPosted(
  unsent('local_error', 'The thread that posts has crashed; another takes its place.'),
);

function toEnded(row: ResultRow): EndedAttempt {
  const [, id, signature, status, errorCode, errorDetail, retryAfter, ...rest] = row;
  const [responseExcerpt, responseHeaders, timing, latencyMs, dialectHeaders, allowed] = rest;
  return {
    id,
    signature,
    dialectHeaders,
    ...(allowed === undefined ? {} : { allowedPerMinute: allowed }),
    result: {
      status,
      errorCode,
      errorDetail,
      retryAfter,
      responseExcerpt,
      responseHeaders,
      timing,
      latencyMs,
    },
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value >>> 0;
}
