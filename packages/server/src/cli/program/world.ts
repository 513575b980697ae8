import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import pc from 'picocolors';
import { systemClock } from '../../lib/clock.ts';
import { askOnTerminal } from './ask-on-terminal.ts';
import { listenToKeys } from './listen-to-keys.ts';

/** What a command needs of the process that it runs in, so that a test can give it. */
export interface World {
  env: NodeJS.ProcessEnv;
  nowMs(): number;
  /** Ends with the time, or when `until` or the signal of `untilInterrupted` is aborted. */
  sleep(ms: number, until?: AbortSignal): Promise<void>;
  /** From the first call on, Ctrl-C and SIGTERM abort this signal and do not end the process. */
  untilInterrupted(): AbortSignal;
  /** A line of what was asked for; programs read it. */
  out(line: string): void;
  /** To standard error: for people, and errors. */
  writeError(text: string): void;
  /** Standard input to its end. */
  readInput(): Promise<Uint8Array>;
  /** Null where nobody can be asked. `isSecret`: what is typed is not shown. */
  ask: ((question: string, isSecret?: boolean) => Promise<string>) | null;
  /** Of the terminal; null where standard output is none. */
  columns: number | null;
  /** A terminal that can be drawn on and typed on; null where there is none. */
  terminal: Terminal | null;
  colors: ReturnType<typeof pc.createColors>;
}

export interface Terminal {
  /** As it is now: people change it. */
  size(): { rows: number; columns: number };
  /** As it stands, control characters and all. */
  write(text: string): void;
  /** Hears each key. Returns how to stop. */
  onKeys(listener: (text: string) => void): () => void;
}

export function createSystemWorld(): World {
  const isTerminal = process.stdout.isTTY === true;
  const abort = new AbortController();
  let isWatching = false;
  // `posthorn events tail | head` has read enough: that is no error, and nobody is left to tell.
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
  return {
    env: process.env,
    nowMs: () => systemClock.now(),
    sleep(ms, until) {
      const signal = until === undefined ? abort.signal : AbortSignal.any([abort.signal, until]);
      return delay(ms, undefined, { signal }).catch(() => undefined);
    },
    untilInterrupted() {
      if (!isWatching) {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) {
          process.once(signal, () => abort.abort());
        }
      }
      isWatching = true;
      return abort.signal;
    },
    out: (line) => void process.stdout.write(`${line}\n`),
    writeError: (text) => void process.stderr.write(text),
    readInput: () => buffer(process.stdin),
    ask: process.stdin.isTTY === true && process.stderr.isTTY === true ? askOnTerminal : null,
    columns: isTerminal ? process.stdout.columns : null,
    terminal: isTerminal && process.stdin.isTTY === true ? systemTerminal : null,
    // NO_COLOR and FORCE_COLOR are picocolors' to read.
    colors: pc.createColors(pc.isColorSupported && isTerminal),
  };
}

const systemTerminal: Terminal = {
  size: () => ({ rows: process.stdout.rows, columns: process.stdout.columns }),
  write: (text) => void process.stdout.write(text),
  onKeys: listenToKeys,
};
