import type { PostClient, PostRequest } from '../../post/post-client.ts';
import type { PostResult } from '../../post/post-result.ts';
import type { Random } from '../random.ts';
import { type Answer, drawAnswer, type Mood } from './site-moods.ts';
import type { Trace } from './trace.ts';
import type { Process, VirtualTime } from './virtual-time.ts';

/** A post as the network saw it. */
export interface Post {
  process: Process;
  hostname: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  body: string;
  timeoutMs: number;
  startedAtMs: number;
}

export interface NetworkWatcher {
  started(post: Post): void;
  /** The process hears of the result now. */
  ended(post: Post, result: PostResult): void;
}

export interface SitePlan {
  hostname: string;
  /** One mood after the other, each for so long, ms; the last one stays. */
  moods: readonly { forMs: number; mood: Mood }[];
}

export interface VirtualNetwork {
  clientFor(process: Process): PostClient;
}

export function createVirtualNetwork(options: {
  time: VirtualTime;
  random: Random;
  sites: readonly SitePlan[];
  watcher: NetworkWatcher;
  trace: Trace;
}): VirtualNetwork {
  const { time, random, watcher, trace } = options;
  const sites = new Map(options.sites.map((site) => [site.hostname, site]));

  function moodOf(hostname: string): Mood {
    const moods = sites.get(hostname)?.moods ?? [];
    let leftMs = time.elapsedMs();
    for (const { forMs, mood } of moods) {
      if (leftMs < forMs) return mood;
      leftMs -= forMs;
    }
    return moods.at(-1)?.mood ?? 'fine';
  }

  function toPost(process: Process, request: PostRequest): Post {
    const headers: Record<string, string> = {};
    for (let i = 0; i < request.headers.length; i += 2) {
      headers[request.headers[i] ?? ''] = request.headers[i + 1] ?? '';
    }
    return {
      process,
      hostname: request.target.hostname,
      path: request.target.path,
      headers,
      body: Buffer.from(request.body).toString(),
      timeoutMs: request.timeoutMs,
      startedAtMs: request.startedAtMs,
    };
  }

  return {
    clientFor(process) {
      const underWay = new Map<Post, (result: PostResult) => void>();

      function end(post: Post, answer: Pick<Answer, 'status' | 'errorCode' | 'retryAfter'>): void {
        const resolve = underWay.get(post);
        if (resolve === undefined || !process.alive) return;
        underWay.delete(post);
        const latencyMs = time.wallMs() - post.startedAtMs;
        const result = toResult(answer, latencyMs);
        trace(`${nameOf(post, trace)} -> ${answer.errorCode ?? answer.status}`);
        watcher.ended(post, result);
        resolve(result);
      }

      return {
        post(request) {
          const post = toPost(process, request);
          const mood = moodOf(post.hostname);
          const answer = drawAnswer(mood, random, time.wallMs());
          trace(`${nameOf(post, trace)} to ${post.hostname}, ${mood}`);
          watcher.started(post);
          const { afterMs } = answer;
          const isInTime = afterMs !== null && afterMs < post.timeoutMs;
          const ending = isInTime ? answer : TIMEOUT;
          time.at(isInTime ? afterMs : post.timeoutMs, () => end(post, ending));
          return new Promise((resolve) => underWay.set(post, resolve));
        },
        forget() {},
        async close() {
          for (const post of [...underWay.keys()]) end(post, ABORTED);
        },
      };
    },
  };
}

const TIMEOUT = { status: null, errorCode: 'timeout', retryAfter: null } as const;
const ABORTED = { status: null, errorCode: 'aborted', retryAfter: null } as const;

function toResult(
  { status, errorCode, retryAfter }: Pick<Answer, 'status' | 'errorCode' | 'retryAfter'>,
  latencyMs: number,
): PostResult {
  return {
    status,
    errorCode,
    errorDetail: errorCode === null ? null : `It came to ${errorCode}.`,
    retryAfter,
    responseExcerpt: null,
    responseHeaders: null,
    timing: null,
    latencyMs,
  };
}

function nameOf(post: Post, trace: Trace): string {
  return `${post.process.name}: post ${trace.nameOf(post.headers['webhook-id'] ?? '')}`;
}
