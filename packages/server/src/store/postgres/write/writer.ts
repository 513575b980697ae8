import {
  type AppendedEvent,
  type AttemptRecord,
  type Commit,
  type Statement,
  StoreConflict,
} from '../../engine.ts';
import type { Capabilities } from '../connect/capabilities.ts';
import { faultOf, isKeyConflict, isPassing } from '../connect/faults.ts';
import { all, type Transaction, type Transactions } from '../connect/transactions.ts';
import { prepareAppend } from './append-events.ts';
import { type LinesOfEndpoint, lockLines } from './delivery-lines.ts';
import { recordAttempts } from './record-attempts.ts';

export interface Batch {
  commits: readonly Commit[];
  attempts: readonly AttemptRecord[];
}

/** Of each commit: its events, or why it was refused alone. */
export type CommitOutcome = AppendedEvent[] | Error;

/**
 * Each row of a batch is looked up by its key. Left to choose, the planner reads the whole table instead as
 * long as that looks cheaper than some hundred look-ups: with 43,000 recipients it took 150 ms to lock the
 * states of 660 events.
 */
export const WRITE_SETTINGS = ['enable_hashjoin = off', 'enable_mergejoin = off'] as const;

/** Deadlocks and lost races are made again this often; then there is something else wrong. */
const MAX_TRIES = 10;

/**
 * Writes a batch in one transaction. First all commits in common statements; when one of them cannot be
 * stored, everything is rolled back and done once more with a savepoint for each commit, so that the one
 * at fault is refused and its neighbours are not. Throws what pg throws when the database is at fault.
 */
export async function writeBatch(
  transactions: Transactions,
  batch: Batch,
  capabilities: Capabilities,
): Promise<CommitOutcome[]> {
  const write = (how: typeof writeTogether) =>
    runAgain(transactions, (tx) => how(tx, batch, capabilities), { settings: WRITE_SETTINGS });
  try {
    return await write(writeTogether);
  } catch (error) {
    if (faultOf(error) !== null || isPassing(error)) throw error;
    return await write(writeApart);
  }
}

/** Runs a transaction once more when it lost against another one. */
export async function runAgain<T>(
  transactions: Transactions,
  work: (tx: Transaction) => Promise<T>,
  options?: Parameters<Transactions['run']>[1],
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transactions.run(work, options);
    } catch (error) {
      if (!isPassing(error) || tries === MAX_TRIES) throw error;
    }
  }
}

async function writeTogether(
  tx: Transaction,
  { commits, attempts }: Batch,
  capabilities: Capabilities,
): Promise<CommitOutcome[]> {
  const events = commits.flatMap((commit) => commit.events);
  const locks = lockLines(tx, linesOf(commits, attempts));
  const options = { capabilities, checkIds: false };
  const [prepared] = await all([prepareAppend(tx, events, options), ...locks]);
  await all([
    ...commits.flatMap(({ statements }) => statements.map((one) => runStatement(tx, one))),
    ...prepared.write(),
    recordInRounds(tx, attempts),
    tx.mark(),
  ]);
  const appended = prepared.appended.values();
  return commits.map((commit) => commit.events.map(() => take(appended)));
}

async function writeApart(
  tx: Transaction,
  { commits, attempts }: Batch,
  capabilities: Capabilities,
): Promise<CommitOutcome[]> {
  await all(lockLines(tx, linesOf(commits, attempts)));
  await recordInRounds(tx, attempts);
  const outcomes: CommitOutcome[] = [];
  for (const commit of commits) outcomes.push(await writeOne(tx, commit, capabilities));
  await tx.mark();
  return outcomes;
}

async function writeOne(
  tx: Transaction,
  commit: Commit,
  capabilities: Capabilities,
): Promise<CommitOutcome> {
  await tx.send('SAVEPOINT one');
  try {
    await all(commit.statements.map((one) => runStatement(tx, one)));
    const appended: AppendedEvent[] = [];
    // One after the other: an event may repeat the id of the one before.
    for (const event of commit.events) {
      const prepared = await prepareAppend(tx, [event], { capabilities, checkIds: true });
      await all(prepared.write());
      appended.push(...prepared.appended);
    }
    await tx.send('RELEASE SAVEPOINT one');
    return appended;
  } catch (error) {
    if (faultOf(error) !== null || isPassing(error) || !(error instanceof Error)) throw error;
    await tx.send('ROLLBACK TO SAVEPOINT one');
    await tx.send('RELEASE SAVEPOINT one');
    const isConflict = error instanceof StoreConflict || isKeyConflict(error);
    return isConflict
      ? new StoreConflict(error.message)
      : new Error(`The database refused a statement: ${error.message}`, { cause: error });
  }
}

async function runStatement(tx: Transaction, statement: Statement): Promise<void> {
  const { count } = await tx.send(statement.sql, statement.parameters);
  const { mustAffect } = statement;
  if (mustAffect !== undefined && count !== mustAffect) {
    throw new StoreConflict(`A write touched ${count} rows, not ${mustAffect}.`);
  }
}

/** Two attempts of one delivery go one after the other: a statement changes a row once. */
async function recordInRounds(tx: Transaction, attempts: readonly AttemptRecord[]): Promise<void> {
  const rounds: AttemptRecord[][] = [];
  const roundOf = new Map<string, number>();
  for (const attempt of attempts) {
    const { projectId, eventId, endpointId } = attempt;
    const key = [projectId, eventId, endpointId].join('\u0000');
    const round = (roundOf.get(key) ?? -1) + 1;
    roundOf.set(key, round);
    const there = rounds[round];
    if (there === undefined) rounds.push([attempt]);
    else there.push(attempt);
  }
  for (const round of rounds) await recordAttempts(tx, round);
}

/** The endpoints whose lines a batch may change. */
function linesOf(commits: readonly Commit[], attempts: readonly AttemptRecord[]) {
  return [...commits.flatMap(linesOfCommit), ...attempts.flatMap(linesOfAttempt)];
}

export function linesOfCommit({ events, statements }: Commit): LinesOfEndpoint[] {
  const lines: LinesOfEndpoint[] = [];
  for (const { projectId, deliveries } of events) {
    for (const { endpointId, orderKey } of deliveries) {
      if (orderKey !== null) lines.push({ projectId, endpointId });
    }
  }
  for (const statement of statements) lines.push(...(statement.lines ?? []));
  return lines;
}

export function linesOfAttempt(attempt: AttemptRecord): LinesOfEndpoint[] {
  return attempt.orderKey === null ? [] : [attempt];
}

function take<T>(values: Iterator<T>): T {
  const { value, done } = values.next();
  if (done === true) throw new Error('Fewer events were appended than were given.');
  return value;
}
