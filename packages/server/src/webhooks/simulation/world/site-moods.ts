import type { PostErrorCode } from '../../post/post-errors.ts';
import type { Random } from '../random.ts';

/** How a site does for a while. */
export const MOODS = [
  'fine',
  'slow',
  'hanging',
  'resetting',
  'refusing',
  'failing',
  'throttling',
  'flapping',
  'our fault',
  'gone',
] as const;
export type Mood = (typeof MOODS)[number];

/** What a site does with one post. */
export interface Answer {
  /** When; null: never. */
  afterMs: number | null;
  status: number | null;
  errorCode: PostErrorCode | null;
  retryAfter: string | null;
}

/** `wallMs`: for a Retry-After that names a date. */
export function drawAnswer(mood: Mood, random: Random, wallMs: number): Answer {
  switch (mood) {
    case 'fine':
      return taken(random.int(1, random.chance(0.9) ? 60 : 400), random);
    case 'slow':
      return taken(random.int(500, 8_000), random);
    case 'hanging':
      return { ...failed('timeout', 0), afterMs: null };
    case 'resetting':
      return failed('connection_reset', random.int(0, 200));
    case 'refusing':
      return failed(random.pick(['connection_refused', 'tls_error']), random.int(0, 5));
    case 'failing':
      return status(random.pick([500, 502, 503, 302, 404]), random.int(1, 300));
    case 'throttling':
      return throttle(random, wallMs);
    case 'our fault':
      return failed(random.pick(['dns_error', 'local_error', 'proxy_error']), random.int(0, 50));
    case 'gone':
      return status(410, random.int(1, 50));
    case 'flapping': {
      const moods = MOODS.filter((one) => one !== 'flapping' && one !== 'gone');
      return drawAnswer(random.chance(0.5) ? 'fine' : random.pick(moods), random, wallMs);
    }
  }
}

function status(code: number, afterMs: number): Answer {
  const errorCode = code === 410 ? 'gone' : code < 400 ? 'redirect' : 'http_status';
  return { ...failed(errorCode, afterMs), status: code };
}

function taken(afterMs: number, random: Random): Answer {
  const code = random.pick([200, 202, 204]);
  return { afterMs, status: code, errorCode: null, retryAfter: null };
}

function failed(errorCode: PostErrorCode, afterMs: number): Answer {
  return { afterMs, status: null, errorCode, retryAfter: null };
}

function throttle(random: Random, wallMs: number): Answer {
  const seconds = random.weighted([
    [6, random.int(1, 120)],
    [1, random.int(121, 100_000)],
  ]);
  const retryAfter = random.weighted([
    [4, String(seconds)],
    [1, new Date(wallMs + seconds * 1_000).toUTCString()],
    [1, 'soon'],
    [1, null],
  ]);
  return { ...status(random.pick([429, 429, 503]), random.int(1, 100)), retryAfter };
}
