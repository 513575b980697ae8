import { createHash, randomBytes } from 'node:crypto';
import { PosthornError } from '../lib/errors.ts';
import { createTokenBucket, type TokenBucket } from '../lib/token-bucket.ts';
import type { Projects } from '../store/projects.ts';

const KEY_PREFIX = 'phk_';

/** A look-up is trusted for this long, so a revoked key works for at most as long, ms. */
const CACHE_MS = 5_000;
const CACHE_SIZE = 10_000;

export interface Caller {
  projectId: string;
  keyId: string;
}

export interface Authenticator {
  /** `null` for a key that nobody has. */
  findCaller(key: string): Promise<Caller | null>;
  /** Takes one request from the caller's rate. */
  takeToken(caller: Caller): ReturnType<TokenBucket['take']>;
}

export function generateApiKey(): string {
  return KEY_PREFIX + randomBytes(24).toString('base64url');
}

/** Keys are random and long, so a plain hash is enough; it is all that the store has of them. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

export function createAuthenticator(options: {
  projects: Pick<Projects, 'findKey'>;
  now: () => number;
  ratePerSecond: number;
}): Authenticator {
  const { projects, now, ratePerSecond } = options;
  const known = new Map<string, { caller: Caller | null; untilMs: number }>();
  const buckets = new Map<string, TokenBucket>();
  return {
    async findCaller(key) {
      const hash = hashApiKey(key);
      const cached = known.get(hash);
      if (cached !== undefined && cached.untilMs > now()) return cached.caller;
      const row = await projects.findKey(hash);
      const caller = row === null ? null : { projectId: row.project_id, keyId: row.id };
      // Wrong keys are remembered too; whoever tries many of them must not fill the memory.
      if (known.size >= CACHE_SIZE) known.clear();
      known.set(hash, { caller, untilMs: now() + CACHE_MS });
      return caller;
    },
    takeToken({ keyId }) {
      let bucket = buckets.get(keyId);
      if (bucket === undefined) {
        bucket = createTokenBucket({ ratePerSecond, capacity: ratePerSecond * 2 });
        buckets.set(keyId, bucket);
      }
      return bucket.take(now());
    },
  };
}

/** The key of `Authorization: Bearer ...` or `X-Api-Key`. Throws `missing_key`. */
export function readApiKey(headers: {
  authorization?: string | undefined;
  'x-api-key'?: string | string[] | undefined;
}): string {
  const plain = headers['x-api-key'];
  if (typeof plain === 'string' && plain !== '') return plain;
  const match = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '');
  if (match?.[1] !== undefined) return match[1];
  throw new PosthornError(
    'missing_key',
    'Send the API key as "Authorization: Bearer phk_..." or "X-Api-Key: phk_...".',
  );
}
