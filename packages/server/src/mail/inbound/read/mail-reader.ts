import { Worker } from 'node:worker_threads';
import type { Clock } from '../../../lib/clock.ts';
import type { MailEnvelope, ResolveDns } from './authenticate-mail.ts';
import type { MailFile, ParsedMail } from './parse-mail.ts';
import type { Note, Order, ReadMail, Results, Task } from './protocol.ts';

/**
 * Reads mails of strangers in a thread of its own, begun with the first one and ended when none has come for
 * a while. Each call rejects where a mail takes too long or brings the thread down; others are read again.
 */
export interface MailReader {
  read(raw: Uint8Array, envelope: MailEnvelope): Promise<ReadMail>;
  words(raw: Uint8Array): Promise<ParsedMail>;
  /** With its own images in it; null where it has none. */
  html(raw: Uint8Array): Promise<string | null>;
  file(raw: Uint8Array, number: number): Promise<MailFile | null>;
  close(): Promise<void>;
}

interface Job {
  task: Task;
  /** Threads that it has seen the end of. */
  lost: number;
  cancelTimeout: () => void;
  done(result: Results[keyof Results]): void;
  failed(error: Error): void;
}

/** DNS included: a sender waits ten minutes for our answer (RFC 5321 4.5.3.2.6). */
const TIMEOUT_MS = 30_000;
const IDLE_MS = 120_000;
/** A mail that was there when two threads ended is taken for the cause. */
const MAX_LOST = 2;
/** Without the bytes of mails, which are not on this heap. */
const HEAP_MB = 256;

export function createMailReader(deps: {
  resolve: ResolveDns;
  clock: Pick<Clock, 'after'>;
  timeoutMs?: number;
}): MailReader {
  const { clock } = deps;
  const jobs = new Map<number, Job>();
  let lastId = 0;
  let worker: Worker | null = null;
  let cancelIdle = (): void => {};
  let isClosed = false;

  const tell = (to: Worker, order: Order): void => to.postMessage(order);

  async function answer(to: Worker, { id, name, type }: Extract<Note, { kind: 'dns' }>) {
    try {
      tell(to, { kind: 'dns', id, values: await deps.resolve(name, type), fault: null });
    } catch (error) {
      const { code = 'ESERVFAIL', message = '' } = error as { code?: string; message?: string };
      tell(to, { kind: 'dns', id, values: null, fault: { code: String(code), message } });
    }
  }

  function start(): Worker {
    const started = new Worker(new URL('./thread.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    // Of a thread that ends by itself 'exit' tells too, and that is where its mails are looked after.
    started.on('error', () => {});
    started.on('message', (note: Note) => {
      if (note.kind === 'dns') return void answer(started, note);
      if (note.kind === 'done') settle(note.id, (job) => job.done(note.result));
      else settle(note.id, (job) => job.failed(new Error(note.message)));
    });
    started.on('exit', () => {
      if (worker === started) replace();
    });
    return started;
  }

  /** Whatever ended the thread, what was not the cause is read again. */
  function replace(): void {
    worker = null;
    for (const [id, job] of [...jobs]) {
      job.lost += 1;
      if (job.lost >= MAX_LOST) {
        settle(id, () => job.failed(new Error('The thread that reads mails ended over this one.')));
      } else send(id, job);
    }
  }

  function send(id: number, job: Job): void {
    worker ??= start();
    worker.ref();
    job.cancelTimeout();
    job.cancelTimeout = clock.after(deps.timeoutMs ?? TIMEOUT_MS, () => {
      settle(id, () => job.failed(new Error('The mail took too long to read.')));
      const stuck = worker;
      replace();
      void stuck?.terminate();
    });
    tell(worker, { kind: 'task', id, task: job.task });
  }

  function settle(id: number, end: (job: Job) => void): void {
    const job = jobs.get(id);
    if (job === undefined) return;
    jobs.delete(id);
    job.cancelTimeout();
    end(job);
    if (jobs.size > 0) return;
    // Nothing is under way: the thread may not keep the process alive, nor itself for ever.
    worker?.unref();
    cancelIdle();
    cancelIdle = clock.after(IDLE_MS, () => void endThread());
  }

  async function endThread(): Promise<void> {
    if (jobs.size > 0 && !isClosed) return;
    const ended = worker;
    worker = null;
    await ended?.terminate();
  }

  function perform<K extends Task['kind']>(task: Extract<Task, { kind: K }>): Promise<Results[K]> {
    return new Promise((resolve, reject) => {
      if (isClosed) return reject(new Error('The reader of mails is closed.'));
      cancelIdle();
      lastId += 1;
      const job: Job = {
        task,
        lost: 0,
        cancelTimeout: () => {},
        done: (result) => resolve(result as Results[K]),
        failed: reject,
      };
      jobs.set(lastId, job);
      send(lastId, job);
    });
  }

  return {
    read: (raw, envelope) => perform<'read'>({ kind: 'read', raw, envelope }),
    words: (raw) => perform<'words'>({ kind: 'words', raw }),
    html: (raw) => perform<'html'>({ kind: 'html', raw }),
    file: (raw, number) => perform<'file'>({ kind: 'file', raw, number }),
    async close() {
      isClosed = true;
      for (const id of [...jobs.keys()]) {
        settle(id, (job) => job.failed(new Error('The reader of mails is closed.')));
      }
      cancelIdle();
      await endThread();
    },
  };
}
