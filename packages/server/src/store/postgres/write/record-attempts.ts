import type { AttemptRecord } from '../../engine.ts';
import { bigintArray, textArray } from '../connect/arrays.ts';
import type { Transaction } from '../connect/transactions.ts';
import { mendLines } from './delivery-lines.ts';

/**
 * Stores attempts on their deliveries' rows, together with what follows from them. An attempt before one
 * moves to the table of its own first. A delivery moves only while the recording node still holds it;
 * otherwise the attempt happened all the same and stays on record.
 *
 * @param attempts of different deliveries, whose lines are locked
 */
export async function recordAttempts(
  tx: Transaction,
  attempts: readonly AttemptRecord[],
): Promise<void> {
  if (attempts.length === 0) return;
  const columns = columnsOf(attempts);
  const hasEarlier = attempts.some(({ number }) => number !== 1);
  const earlier = hasEarlier ? keepEarlier(tx, attempts) : Promise.resolve();
  const { rows } = await afterBoth(earlier, tx.send<{ ord: number }>(MOVE_TEXT, columns));
  if (rows.length < attempts.length) {
    const moved = new Set(rows.map(({ ord }) => ord));
    await keepStrays(
      tx,
      attempts.filter((_, i) => !moved.has(i + 1)),
    );
    await mendLines(
      tx,
      attempts.filter((_, i) => moved.has(i + 1)),
    );
    return;
  }
  await mendLines(tx, attempts);
}

/** Both are on their way; what failed first is what is thrown. */
async function afterBoth<T>(first: Promise<unknown>, second: Promise<T>): Promise<T> {
  const [one, two] = await Promise.allSettled([first, second]);
  if (one.status === 'rejected') throw one.reason;
  if (two.status === 'rejected') throw two.reason;
  return two.value;
}

export const MOVE_TEXT = `UPDATE posthorn.deliveries d SET node = NULL, attempts = k.number,
    attempt_id = k.attempt_id, attempt_started_at = k.started_at, attempt_latency_ms = k.latency_ms,
    last_status = k.status, last_error = k.error_code, last_error_detail = k.error_detail,
    last_response_excerpt = k.response_excerpt, last_trace = k.trace, state = k.state,
    failures = k.failures, due_at = k.due_at, ended_at = k.ended_at
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::bigint[], $16::bigint[], $17::bigint[]) WITH ORDINALITY
    AS k(project_id, event_id, endpoint_id, node, number, attempt_id, started_at, latency_ms, status,
      error_code, error_detail, response_excerpt, trace, state, failures, due_at, ended_at, ord)
  WHERE d.project_id = k.project_id AND d.event_id = k.event_id AND d.endpoint_id = k.endpoint_id
    AND d.node = k.node AND d.state = 'pending'
  RETURNING k.ord`;

function columnsOf(attempts: readonly AttemptRecord[]): Buffer[] {
  return [
    textArray(attempts.map((one) => one.projectId)),
    textArray(attempts.map((one) => one.eventId)),
    textArray(attempts.map((one) => one.endpointId)),
    textArray(attempts.map((one) => one.node)),
    bigintArray(attempts.map((one) => one.number)),
    textArray(attempts.map((one) => one.attemptId)),
    bigintArray(attempts.map((one) => one.startedAtMs)),
    bigintArray(attempts.map((one) => one.latencyMs)),
    bigintArray(attempts.map((one) => one.status)),
    textArray(attempts.map((one) => one.errorCode)),
    textArray(attempts.map((one) => one.errorDetail)),
    textArray(attempts.map((one) => one.responseExcerpt)),
    textArray(attempts.map((one) => one.trace)),
    textArray(attempts.map(({ next }) => next.state)),
    bigintArray(attempts.map(({ next }) => (next.state === 'pending' ? next.failures : 0))),
    bigintArray(attempts.map(({ next }) => (next.state === 'pending' ? next.dueAtMs : null))),
    bigintArray(attempts.map(({ next }) => (next.state === 'pending' ? null : next.endedAtMs))),
  ];
}

function keepEarlier(tx: Transaction, attempts: readonly AttemptRecord[]): Promise<unknown> {
  return tx.send(
    `INSERT INTO posthorn.attempts (project_id, event_id, endpoint_id, id, number, started_at,
       latency_ms, status, error_code, error_detail, response_excerpt, trace, retain_until)
     SELECT d.project_id, d.event_id, d.endpoint_id, d.attempt_id, d.attempts, d.attempt_started_at,
       d.attempt_latency_ms, d.last_status, d.last_error, d.last_error_detail,
       d.last_response_excerpt, d.last_trace, d.retain_until
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
       AS k(project_id, event_id, endpoint_id, node)
     JOIN posthorn.deliveries d ON d.project_id = k.project_id AND d.event_id = k.event_id
       AND d.endpoint_id = k.endpoint_id AND d.node = k.node
     WHERE d.attempt_id IS NOT NULL AND d.state = 'pending'
     ON CONFLICT (project_id, event_id, endpoint_id, id) DO NOTHING`,
    columnsOf(attempts).slice(0, 4),
  );
}

async function keepStrays(tx: Transaction, attempts: readonly AttemptRecord[]): Promise<void> {
  const [project, event, endpoint, , ...rest] = columnsOf(attempts).slice(0, 13);
  await tx.send(
    `INSERT INTO posthorn.attempts (project_id, event_id, endpoint_id, number, id, started_at,
       latency_ms, status, error_code, error_detail, response_excerpt, trace, retain_until)
     SELECT k.* FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[],
       $6::bigint[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[],
       $13::bigint[]) AS k(project_id, event_id, endpoint_id, number, id, started_at, latency_ms,
         status, error_code, error_detail, response_excerpt, trace, retain_until)
     WHERE NOT EXISTS (SELECT 1 FROM posthorn.deliveries d WHERE d.project_id = k.project_id
       AND d.event_id = k.event_id AND d.endpoint_id = k.endpoint_id AND d.attempt_id = k.id)
     ON CONFLICT (project_id, event_id, endpoint_id, id) DO NOTHING`,
    [
      project ?? null,
      event ?? null,
      endpoint ?? null,
      ...rest,
      bigintArray(attempts.map((one) => one.retainUntilMs)),
    ],
  );
}
