import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Statement } from '../engine.ts';
import { prepareAppendEvents } from './append-events.ts';
import { prepareClaimDeliveries } from './claim-deliveries.ts';
import { prepareClaimTransmissions } from './claim-transmissions.ts';
import { faultOf, isKeyConflict } from './open-database.ts';
import { createPageBudget } from './page-budget.ts';
import type { CommitResult, CommitRows, WriteBatch, WriteBatchResult } from './protocol.ts';
import { preparePurgeExpired } from './purge-expired.ts';
import { prepareRecordAttempt } from './record-attempts.ts';

/** Prepared statements of everyday writes are kept, up to this many different texts. */
const STATEMENT_CACHE = 200;

/**
 * What a probe writes: room for a batch of events. A full file still takes changes of the pages that
 * it has, so a smaller one would call the store healthy until the next commit.
 */
const PROBE_BYTES = 65_536;

/** What the writer's thread can do. Every method is one transaction. */
export function createWriter(db: DatabaseSync) {
  const appendEvent = prepareAppendEvents(db);
  const recordAttempt = prepareRecordAttempt(db);
  const claimDeliveries = prepareClaimDeliveries(db);
  const claimTransmissions = prepareClaimTransmissions(db);
  const purgeExpired = preparePurgeExpired(db);
  const pageBudget = createPageBudget(db);
  const releaseDeliveries = db.prepare(
    `UPDATE deliveries AS d SET node = NULL, due_at = iif(
       EXISTS (SELECT 1 FROM deliveries x WHERE x.project_id = d.project_id
         AND x.endpoint_id = d.endpoint_id AND x.order_key = d.order_key AND x.state = 'pending'
         AND x.position < d.position), NULL, ?1)
     WHERE node IS NOT NULL AND node <> ?2 AND node NOT IN (SELECT id FROM nodes)`,
  );
  const releaseTransmissions = db.prepare(
    `UPDATE transmissions SET node = NULL, due_at = ?1
     WHERE node IS NOT NULL AND node <> ?2 AND node NOT IN (SELECT id FROM nodes)`,
  );
  const writeProbe = db.prepare(
    `INSERT OR REPLACE INTO message_bodies (project_id, message_id, raw, retain_until)
     VALUES ('', 'probe', zeroblob(${PROBE_BYTES}), 0)`,
  );
  const clearProbe = db.prepare(
    "DELETE FROM message_bodies WHERE project_id = '' AND message_id = 'probe'",
  );
  const statements = new Map<string, StatementSync>();

  function transaction<T>(work: () => T): T {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite rolls back by itself on some errors (disk full); then there is nothing left to roll back.
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }

  function prepared(sql: string): StatementSync {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      if (statements.size >= STATEMENT_CACHE) statements.clear();
      statements.set(sql, statement);
    }
    return statement;
  }

  function runStatement(statement: Statement): void {
    const changes = Number(prepared(statement.sql).run(...statement.parameters).changes);
    if (statement.mustAffect !== undefined && changes !== statement.mustAffect) {
      throw new Conflict(`A write touched ${changes} rows, not ${statement.mustAffect}.`);
    }
  }

  /** Runs one commit within the batch's transaction; what is its own fault undoes it alone. */
  function applyApart(commit: CommitRows): CommitResult {
    db.exec('SAVEPOINT one');
    try {
      for (const statement of commit.statements) runStatement(statement);
      const appended = commit.events.map(appendEvent);
      db.exec('RELEASE one');
      return appended;
    } catch (error) {
      if (faultOf(error) !== null || !(error instanceof Error)) throw error;
      db.exec('ROLLBACK TO one');
      db.exec('RELEASE one');
      const isConflict = error instanceof Conflict || isKeyConflict(error);
      return { isConflict, message: error.message };
    }
  }

  // Plain events do not conflict, and they are the hot path: they need no savepoint.
  const applyPlainly = (commit: CommitRows): CommitResult =>
    commit.statements.length === 0 ? commit.events.map(appendEvent) : applyApart(commit);

  function writeBatch(batch: WriteBatch, apply: typeof applyApart): WriteBatchResult {
    return transaction(() => {
      for (const attempt of batch.attempts) recordAttempt(attempt);
      return {
        commits: batch.commits.map(apply),
        deliveryClaims: batch.deliveryClaims.map(claimDeliveries),
        transmissionClaims: batch.transmissionClaims.map(claimTransmissions),
      };
    });
  }

  return {
    write(batch: WriteBatch): WriteBatchResult {
      pageBudget.noteBatch(batch);
      try {
        return writeBatch(batch, applyPlainly);
      } catch (error) {
        // Not the disk: one of them cannot be stored. Its neighbours must not pay for that.
        if (faultOf(error) !== null) throw error;
        return writeBatch(batch, applyApart);
      }
    },
    release(exceptNode: string, nowMs: number): { released: number } {
      return transaction(() => {
        const deliveries = releaseDeliveries.run(nowMs, exceptNode).changes;
        const transmissions = releaseTransmissions.run(nowMs, exceptNode).changes;
        return { released: Number(deliveries) + Number(transmissions) };
      });
    },
    purge(nowMs: number, limit: number): { purged: number; more: boolean } {
      return transaction(() => purgeExpired(nowMs, limit));
    },
    /** Proves that the disk takes work again: new pages, committed, not a change of old ones. */
    probe(): void {
      transaction(() => writeProbe.run());
      transaction(() => clearProbe.run());
    },
  };
}

class Conflict extends Error {}
