import type { ClaimedDeliveries, ClaimedDelivery, DeliveryClaim } from '../../engine.ts';
import { textArray } from '../connect/arrays.ts';
import type { Capabilities } from '../connect/capabilities.ts';
import { all, type Transaction } from '../connect/transactions.ts';
import { moveUp } from '../write/delivery-lines.ts';

/**
 * How a claiming transaction has its statements planned. When much comes due at once while the
 * statistics say that nothing is, the planner collects all that is due by a bitmap and sorts it, for each
 * hundred again: 20 times the time of walking along the index. So it may do neither.
 */
export const CLAIM_SETTINGS = ['enable_bitmapscan = off', 'enable_sort = off'] as const;

/**
 * How many come along from the line behind one delivery. They are given back when it fails, so many
 * would be read for nothing.
 */
const LINE_LIMIT = 64;

type Found = Pick<ClaimedDelivery, 'eventId' | 'attempts' | 'failures' | 'orderKey'> & {
  position: number | null;
};
type InLine = Found & { ord: number; position: number; node: string | null };

/**
 * Several claims in one transaction. Nothing is waited for: what another node has its hand on is passed
 * over (SKIP LOCKED), also where it stands in a line, and then those behind it stay where they are.
 */
export async function claimDeliveries(
  tx: Transaction,
  claims: readonly DeliveryClaim[],
  { skipLocked }: Pick<Capabilities, 'skipLocked'>,
): Promise<ClaimedDeliveries[]> {
  const lock = skipLocked ? 'FOR UPDATE SKIP LOCKED' : 'FOR UPDATE';
  const outcomes: ClaimedDeliveries[] = [];
  // Claims of different endpoints share their round trips; those of one see what the one before took.
  for (const round of roundsOf(claims)) {
    outcomes.push(...(await all(round.map((claim) => claimOne(tx, claim, lock)))));
  }
  return outcomes;
}

/** As many in a row as are of different endpoints. */
function roundsOf(claims: readonly DeliveryClaim[]): DeliveryClaim[][] {
  const rounds: DeliveryClaim[][] = [];
  let seen = new Set<string>();
  for (const claim of claims) {
    const round = rounds.at(-1);
    if (round === undefined || seen.has(claim.endpointId)) {
      rounds.push([claim]);
      seen = new Set();
    } else round.push(claim);
    seen.add(claim.endpointId);
  }
  return rounds;
}

async function claimOne(
  tx: Transaction,
  claim: DeliveryClaim,
  lock: string,
): Promise<ClaimedDeliveries> {
  const due = await findDue(tx, claim, lock);
  const lines = await findLines(tx, claim, due, lock);
  const found: Found[] = [];
  for (const [i, head] of due.entries()) {
    if (found.length >= claim.limit) break;
    found.push(head);
    const room = Math.min(LINE_LIMIT, claim.limit - found.length);
    found.push(...(lines.get(i) ?? []).slice(0, room));
  }
  const eventIds = found.map(({ eventId }) => eventId);
  const [nextDueAtMs, bodies] = await all([
    lease(tx, claim, eventIds),
    readBodies(tx, claim, eventIds),
  ]);
  const deliveries: ClaimedDelivery[] = [];
  const orphans: Found[] = [];
  for (const one of found) {
    const { eventId, attempts, failures, orderKey } = one;
    const event = bodies.get(eventId);
    if (event === undefined) orphans.push(one);
    else deliveries.push({ eventId, ...event, attempts, failures, orderKey });
  }
  if (orphans.length > 0) await endOrphans(tx, claim, orphans);
  return { deliveries, nextDueAtMs };
}

const DUE = `project_id = $1 AND endpoint_id = $2 AND urgency = $3 AND state = 'pending'
  AND node IS NULL AND due_at IS NOT NULL`;

/** The limit is a literal: as a parameter it would tell the planner nothing. */
export function dueText(limit: number, lock: string): string {
  return `SELECT event_id AS "eventId", attempts, failures, order_key AS "orderKey", position
    FROM posthorn.deliveries WHERE ${DUE} AND due_at <= $4
    ORDER BY due_at, event_id LIMIT ${Math.trunc(limit)} ${lock}`;
}

async function findDue(tx: Transaction, claim: DeliveryClaim, lock: string): Promise<Found[]> {
  const { projectId, endpointId, urgency, nowMs, limit } = claim;
  const { rows } = await tx.send<Found>(dueText(limit, lock), [
    projectId,
    endpointId,
    urgency,
    nowMs,
  ]);
  return rows;
}

export const LINES_TEXT = `SELECT h.ord, d.* FROM unnest($3::text[], $4::bigint[])
    WITH ORDINALITY AS h(order_key, position, ord)
  CROSS JOIN LATERAL (
    SELECT event_id AS "eventId", attempts, failures, order_key AS "orderKey", position, node
    FROM posthorn.deliveries x WHERE x.project_id = $1 AND x.endpoint_id = $2
      AND x.order_key = h.order_key AND x.position > h.position AND x.state = 'pending'
    ORDER BY x.position LIMIT ${LINE_LIMIT}) d`;

/** Of each due delivery that has one, by its place in the list: who stands behind it and can come along. */
async function findLines(
  tx: Transaction,
  { projectId, endpointId }: DeliveryClaim,
  due: readonly Found[],
  lock: string,
): Promise<Map<number, InLine[]>> {
  const heads = due.flatMap(({ orderKey, position }, i) =>
    orderKey === null || position === null ? [] : [{ i, orderKey, position }],
  );
  const lines = new Map<number, InLine[]>();
  if (heads.length === 0) return lines;
  const { rows } = await tx.send<InLine>(LINES_TEXT, [
    projectId,
    endpointId,
    textArray(heads.map(({ orderKey }) => orderKey)),
    positionsOf(heads),
  ]);
  if (rows.length === 0) return lines;
  const free = await lockFree(tx, projectId, endpointId, rows, lock);
  for (const row of rows.sort((a, b) => a.ord - b.ord || a.position - b.position)) {
    const head = heads[row.ord - 1];
    if (head === undefined) continue;
    const line = lines.get(head.i) ?? [];
    lines.set(head.i, line);
    line.push(row);
  }
  // Those behind one that is held may not overtake it.
  for (const [i, line] of lines) {
    const end = line.findIndex(({ eventId }) => !free.has(eventId));
    if (end !== -1) lines.set(i, line.slice(0, end));
  }
  return lines;
}

const positionsOf = (heads: readonly { position: number }[]): string =>
  `{${heads.map(({ position }) => position).join(',')}}`;

async function lockFree(
  tx: Transaction,
  projectId: string,
  endpointId: string,
  rows: readonly InLine[],
  lock: string,
): Promise<Set<string>> {
  const wanted = rows.filter(({ node }) => node === null).map(({ eventId }) => eventId);
  const { rows: locked } = await tx.send<{ eventId: string }>(
    `SELECT event_id AS "eventId" FROM posthorn.deliveries
     WHERE project_id = $1 AND endpoint_id = $2 AND event_id = ANY ($3::text[])
       AND state = 'pending' AND node IS NULL ${lock}`,
    [projectId, endpointId, textArray(wanted)],
  );
  return new Set(locked.map(({ eventId }) => eventId));
}

/** Takes them, and says when the next one that stays is due. */
async function lease(
  tx: Transaction,
  { projectId, endpointId, urgency, node }: DeliveryClaim,
  eventIds: readonly string[],
): Promise<number | null> {
  const { rows } = await tx.send<{ dueAt: number }>(
    `WITH leased AS (
       UPDATE posthorn.deliveries SET node = $4
       WHERE project_id = $1 AND endpoint_id = $2 AND event_id = ANY ($5::text[]))
     SELECT due_at AS "dueAt" FROM posthorn.deliveries
     WHERE ${DUE} AND event_id <> ALL ($5::text[]) ORDER BY due_at, event_id LIMIT 1`,
    [projectId, endpointId, urgency, node, textArray(eventIds)],
  );
  return rows[0]?.dueAt ?? null;
}

async function readBodies(
  tx: Transaction,
  { projectId }: DeliveryClaim,
  eventIds: readonly string[],
): Promise<Map<string, Pick<ClaimedDelivery, 'body' | 'type'>>> {
  if (eventIds.length === 0) return new Map();
  const { rows } = await tx.send<{ id: string } & Pick<ClaimedDelivery, 'body' | 'type'>>(
    'SELECT id, body, type FROM posthorn.events WHERE project_id = $1 AND id = ANY ($2::text[])',
    [projectId, textArray(eventIds)],
  );
  return new Map(rows.map(({ id, body, type }) => [id, { body, type }]));
}

/**
 * Deliveries whose event is gone can never be made. They would be due for ever, and have the dispatcher
 * ask again without end.
 */
async function endOrphans(
  tx: Transaction,
  { projectId, endpointId, nowMs }: DeliveryClaim,
  orphans: readonly Found[],
): Promise<void> {
  await tx.send(
    `UPDATE posthorn.deliveries SET state = 'canceled', node = NULL, due_at = NULL, ended_at = $4
     WHERE project_id = $1 AND endpoint_id = $2 AND event_id = ANY ($3::text[])`,
    [projectId, endpointId, textArray(orphans.map(({ eventId }) => eventId)), nowMs],
  );
  const keys = new Set(orphans.flatMap(({ orderKey }) => orderKey ?? []));
  const lines = [...keys].map((orderKey) => ({ projectId, endpointId, orderKey, atMs: nowMs }));
  await moveUp(tx, lines);
}
