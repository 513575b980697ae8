import { Worker } from 'node:worker_threads';
import { StoreUnavailable } from '../engine.ts';
import type { FileFault, ThreadData, ThreadReply, ThreadRequest } from './protocol.ts';

/**
 * The main thread's end of a database thread. Answers come in the order of the requests, so a queue
 * of waiting promises is all the bookkeeping.
 */
export interface DatabaseThread {
  /** The writer migrates, too. Rejects with StoreUnavailable or a plain error, and the thread has ended then. */
  open(): Promise<void>;
  ask(request: ThreadRequest): Promise<unknown>;
  close(): Promise<void>;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * Threads whose database was closed. Starting one costs 100 ms of processor time, and a process that
 * opens one store often opens many: a move, a restore, a test. They keep no process alive.
 */
const idleWorkers: Worker[] = [];
/** Of one store, twice. */
const MAX_IDLE_WORKERS = 4;

function takeWorker(): Worker {
  const worker = idleWorkers.pop() ?? new Worker(new URL('./thread.ts', import.meta.url));
  worker.ref();
  return worker;
}

async function giveBack(worker: Worker): Promise<void> {
  if (idleWorkers.length >= MAX_IDLE_WORKERS) {
    await worker.terminate();
    return;
  }
  for (const name of ['message', 'error', 'exit']) worker.removeAllListeners(name);
  worker.unref();
  idleWorkers.push(worker);
}

/** Begins at once to load its code; what is asked first opens the database. */
export function startDatabaseThread(data: ThreadData): DatabaseThread {
  const worker = takeWorker();
  const waiting: Waiting[] = [];
  let ended: Error | null = null;
  let isOpen = false;

  function settleNext(reply: ThreadReply): void {
    const first = waiting.shift();
    if (reply.ok) first?.resolve(reply.result);
    else first?.reject(errorOf(reply));
  }

  function end(error: Error): void {
    ended ??= error;
    for (const { reject } of waiting.splice(0)) reject(ended);
  }

  worker.on('message', settleNext);
  worker.on('error', (cause: Error) => {
    const detail = `The database thread has crashed (${cause.message}). Restart Posthorn.`;
    end(new StoreUnavailable('io_error', detail, { cause }));
  });
  worker.on('exit', () => end(new StoreUnavailable('closed', 'The database thread has ended.')));

  function expectReply(send: () => void): Promise<unknown> {
    if (ended !== null) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      // In this order: what cannot be sent throws here, and no answer to it will come.
      send();
      waiting.push({ resolve, reject });
    });
  }

  const thread: DatabaseThread = {
    async open() {
      try {
        await thread.ask({ kind: 'open', data });
        isOpen = true;
      } catch (error) {
        await worker.terminate();
        throw error;
      }
    },
    ask: (request) => expectReply(() => worker.postMessage(request)),
    async close() {
      if (ended !== null || !isOpen) return void (await worker.terminate());
      try {
        await thread.ask({ kind: 'close' });
      } catch (error) {
        await worker.terminate();
        throw error;
      }
      ended = new StoreUnavailable('closed', 'The database thread has ended.');
      await giveBack(worker);
    },
  };
  return thread;
}

function errorOf(reply: { fault: FileFault | null; message: string }): Error {
  if (reply.fault === null) return new Error(reply.message);
  return new StoreUnavailable(reply.fault, explainFault(reply.fault, reply.message));
}

const EXPLANATIONS: Record<FileFault, string> = {
  disk_full:
    'The disk of the data directory is full, or the store has reached store_max_size. Make room, or raise the limit and restart; with room Posthorn goes on by itself.',
  locked:
    'Another program holds a lock on the database file. Close it (a database browser, a backup tool); Posthorn goes on by itself.',
  corrupt:
    'The database file is damaged or is not a Posthorn database. Stop Posthorn and restore it from a backup, or recover it with "sqlite3 posthorn.sqlite .recover".',
  io_error:
    'The disk of the data directory answered with an error. Check the disk and its mount; Posthorn goes on by itself when it works again.',
  read_only:
    'The database file is read-only. Give the user that runs Posthorn write access to the data directory.',
  closed: 'The store is closed.',
};

function explainFault(fault: FileFault, message: string): string {
  return `${EXPLANATIONS[fault]} (SQLite: ${message})`;
}
