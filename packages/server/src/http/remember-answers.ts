import { createHash } from 'node:crypto';
import { PosthornError } from '../lib/errors.ts';
import type { SecretBox } from '../lib/secrets/secret-box.ts';
import { type Statement, StoreConflict } from '../store/engine.ts';
import type { Idempotency } from '../store/idempotency.ts';
import { answerContext } from '../store/sealed-values.ts';
import type { RouteAnswer } from './route.ts';

/** Answers under an Idempotency-Key are kept for a day. */
const KEEP_MS = 86_400_000;

/**
 * `Idempotency-Key`: the same key with the same request gets the first answer again, with another
 * request 422. Answers are sealed, since one of them holds an endpoint's secret.
 */
export interface AnswerMemory {
  recall(request: KeyedRequest): Promise<RouteAnswer | null>;
  remember(request: KeyedRequest, answer: RouteAnswer): Statement[];
}

export interface KeyedRequest {
  projectId: string;
  key: string;
  method: string;
  path: string;
  /** As parsed from the body. */
  body: unknown;
}

/**
 * The first answer under the key once more, marked by `idempotency-replayed`; else what `handle` answers.
 * Throws `idempotency_mismatch` and what `handle` throws.
 */
export async function answerOnce(
  memory: AnswerMemory,
  request: KeyedRequest,
  handle: (remember: (answer: RouteAnswer) => Statement[]) => Promise<RouteAnswer>,
): Promise<RouteAnswer> {
  const earlier = await memory.recall(request);
  if (earlier !== null) return earlier;
  try {
    return await handle((answer) => memory.remember(request, answer));
  } catch (error) {
    // An equal request was a moment faster: its answer is ours.
    const winner = isConflict(error) ? await memory.recall(request) : null;
    if (winner !== null) return winner;
    throw error;
  }
}

export function isReplayed({ headers }: RouteAnswer): boolean {
  return headers?.['idempotency-replayed'] === 'true';
}

/** Also where a handler has said in its own words what collided. */
function isConflict(error: unknown): boolean {
  return (
    error instanceof StoreConflict ||
    (error instanceof PosthornError && error.cause instanceof StoreConflict)
  );
}

/** The header's value if it can be used; `null` without one. Throws `invalid_idempotency_key`. */
export function readIdempotencyKey(value: string | string[] | undefined): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value)) return value;
  throw new PosthornError(
    'invalid_idempotency_key',
    'An Idempotency-Key has 1 to 255 printable ASCII characters without spaces, such as a UUID.',
  );
}

export function createAnswerMemory(options: {
  idempotency: Idempotency;
  secretBox: SecretBox;
  now: () => number;
}): AnswerMemory {
  const { idempotency, secretBox, now } = options;
  return {
    async recall(request) {
      const found = await idempotency.find(request.projectId, request.key, now());
      if (found === null) return null;
      if (found.request_hash !== hashRequest(request)) {
        throw new PosthornError(
          'idempotency_mismatch',
          'Use a new Idempotency-Key for a new request; this one belongs to a request with another body or path.',
        );
      }
      const body: unknown = JSON.parse(secretBox.open(found.body_sealed, answerContext(request)));
      return { status: found.status, body, headers: { 'idempotency-replayed': 'true' } };
    },
    remember(request, answer) {
      const nowMs = now();
      const row = {
        project_id: request.projectId,
        key: request.key,
        request_hash: hashRequest(request),
        status: answer.status,
        body_sealed: secretBox.seal(JSON.stringify(answer.body ?? null), answerContext(request)),
        retain_until: nowMs + KEEP_MS,
      };
      return idempotency.remember(row, nowMs);
    },
  };
}

function hashRequest({ method, path, body }: KeyedRequest): string {
  const text = JSON.stringify([method, path, body ?? null]);
  return createHash('sha256').update(text).digest('base64url');
}
