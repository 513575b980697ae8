/**
 * The code of a database thread: answers one request after the other. Started by database-thread.ts,
 * which gives it one database after the other.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { parentPort } from 'node:worker_threads';
import { migrate, SchemaTooNew } from './migrate.ts';
import { faultOf, openDatabase } from './open-database.ts';
import type { ThreadData, ThreadReply, ThreadRequest } from './protocol.ts';
import { createWriter } from './writer.ts';

const port = parentPort;
if (port === null) throw new Error('sqlite/thread.ts runs as a worker thread only.');

let db: DatabaseSync;
let writer: ReturnType<typeof createWriter> | null = null;
const readStatements = new Map<string, StatementSync>();

function open(data: ThreadData): void {
  db = openDatabase(data);
  if (data.role === 'writer') {
    migrate(db);
    writer = createWriter(db);
  }
}

function close(): void {
  writer = null;
  readStatements.clear();
  db.close();
}

function answer(request: ThreadRequest): unknown {
  if (request.kind === 'open') return open(request.data);
  if (request.kind === 'read') {
    let statement = readStatements.get(request.sql);
    if (statement === undefined) {
      statement = db.prepare(request.sql);
      if (readStatements.size >= 200) readStatements.clear();
      readStatements.set(request.sql, statement);
    }
    return statement.all(...request.parameters);
  }
  if (request.kind === 'close') return close();
  if (writer === null) throw new Error(`The reading thread does not ${request.kind}.`);
  if (request.kind === 'write') return writer.write(request.batch);
  if (request.kind === 'release') return writer.release(request.exceptNode, request.nowMs);
  if (request.kind === 'purge') return writer.purge(request.nowMs, request.limit);
  return writer.probe();
}

function failure(error: unknown): ThreadReply {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof SchemaTooNew) return { ok: false, fault: null, message };
  const fault = faultOf(error);
  return {
    ok: false,
    fault,
    message: fault === null ? `The database refused a statement: ${message}` : message,
  };
}

function settle(work: () => unknown): ThreadReply {
  try {
    return { ok: true, result: work() };
  } catch (error) {
    return failure(error);
  }
}

port.on('message', (request: ThreadRequest) => {
  port.postMessage(settle(() => answer(request)));
});
