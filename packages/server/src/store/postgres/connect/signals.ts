import { Socket } from 'node:net';
import { Client } from 'pg';
import type { Clock } from '../../../lib/clock.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import { SIGNALS, type Signal } from '../../engine.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { CONNECT_TIMEOUT_MS } from './connections.ts';
import type { Transactions } from './transactions.ts';

/**
 * What nodes call out to each other by NOTIFY, so that nobody has to wait for the next look. A signal may
 * get lost, so whoever listens also looks without one.
 *
 * It is never part of a commit: transactions with a NOTIFY wait for each other, all over the server.
 * Several of a kind within GAP_MS go out as one. They go out over the pool and come in over a connection of
 * its own, which has to lead to the server itself: behind a pooler in transaction mode nobody is called. So
 * a node has to hear its own probe before it counts as listening.
 *
 * idle -> (first listener) opening -> (hears its own probe) heard -> (broken, or silent) waiting ->
 * opening; closed from everywhere. Only in `heard` anything is sent.
 */
export interface Signals {
  send(signal: Signal): void;
  /** Of others, and all of them once whenever the connection comes back. Opens the connection. */
  listen(listener: (signal: Signal) => void): void;
  close(): Promise<void>;
}

const CHANNEL = 'posthorn';
const CALL = `SELECT pg_notify('${CHANNEL}', $1)`;
const PROBE = 'probe';
/** Between two signals of a kind: what a receiver would be late by at most. */
const GAP_MS = 100;
/** A call that is not heard by then is heard by nobody. */
const HEARD_WITHIN_MS = 5_000;
/** A connection that was cut without a word is noticed after this. */
const PROBE_EVERY_MS = 30_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
/** Behind a pooler in transaction mode each try leaves a session that listens. */
const RETRY_UNHEARD_MS = 600_000;

class Unheard extends Error {}

export function createSignals(options: {
  /** Of the connection that listens. */
  settings: ConnectionSettings;
  /** For what goes out. */
  transactions: Pick<Transactions, 'run'>;
  /** Of this node, so that it passes over what it has called itself: letters, digits, `-`, `_`. */
  name: string;
  clock: Clock;
  log: Log;
}): Signals {
  const { settings, transactions, name, clock, log } = options;
  const listeners: ((signal: Signal) => void)[] = [];
  const pending = new Map<Signal, { again: boolean }>();
  let state: 'idle' | 'opening' | 'heard' | 'waiting' | 'closed' = 'idle';
  let current: { client: Client; socket: Socket } | null = null;
  let heard = (): void => {};
  let cancelTimer = (): void => {};
  let retryMs = FIRST_RETRY_MS;
  let hasWarned = false;

  function tell(signal: Signal): void {
    for (const listener of listeners) listener(signal);
  }

  async function open(): Promise<void> {
    state = 'opening';
    const socket = new Socket();
    const { applicationName, ...where } = settings;
    const client = new Client({
      ...where,
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: HEARD_WITHIN_MS,
      stream: () => socket,
    });
    current = { client, socket };
    client.on('error', (error) => lose(client, error));
    client.on('end', () => lose(client, new Error('The connection has ended')));
    client.on('notification', ({ payload = '' }) => take(payload));
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      await probe();
    } catch (error) {
      return lose(client, error);
    }
    if (current?.client !== client) return;
    state = 'heard';
    retryMs = FIRST_RETRY_MS;
    if (hasWarned) log.info({}, 'Signals of other nodes are heard again');
    hasWarned = false;
    cancelTimer = clock.after(PROBE_EVERY_MS, () => void probeAgain(client));
    // Whatever was called while nobody listened here.
    for (const signal of SIGNALS) tell(signal);
  }

  function take(payload: string): void {
    const [word, from] = payload.split(' ');
    if (word === PROBE && from === name) heard();
    const signal = SIGNALS.find((one) => one === word);
    if (signal !== undefined && from !== name) tell(signal);
  }

  /** Resolves when this node hears itself. */
  async function probe(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    heard = resolve;
    const cancel = clock.after(HEARD_WITHIN_MS, () => reject(new Unheard(UNHEARD)));
    try {
      await Promise.all([call(PROBE), promise]);
    } finally {
      cancel();
    }
  }

  async function probeAgain(client: Client): Promise<void> {
    try {
      await probe();
      if (state === 'heard') {
        cancelTimer = clock.after(PROBE_EVERY_MS, () => void probeAgain(client));
      }
    } catch (error) {
      lose(client, error);
    }
  }

  /** Nothing that must not be lost, so it need not wait for the disk. */
  async function call(word: string): Promise<void> {
    const own = { settings: ['synchronous_commit = off'] };
    await transactions.run((tx) => tx.send(CALL, [`${word} ${name}`]), own);
  }

  function lose(client: Client, error: unknown): void {
    if (current?.client !== client || state === 'closed') return;
    current.socket.destroy();
    current = null;
    cancelTimer();
    state = 'waiting';
    const waitMs = error instanceof Unheard ? RETRY_UNHEARD_MS : retryMs;
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    if (!hasWarned) {
      const fields = { error: messageOf(error), againInMs: waitMs };
      log.warn(
        fields,
        'Signals of other nodes are not heard; this node looks once a second instead',
      );
    }
    hasWarned = true;
    cancelTimer = clock.after(waitMs, () => void open());
  }

  function send(signal: Signal): void {
    const before = pending.get(signal);
    if (before !== undefined) before.again = true;
    if (before !== undefined || state !== 'heard') return;
    const gap = { again: false };
    pending.set(signal, gap);
    // What a call that failed was about is found by looking.
    void call(signal).catch(() => {});
    clock.after(GAP_MS, () => {
      pending.delete(signal);
      if (gap.again) send(signal);
    });
  }

  return {
    send,
    listen(listener) {
      listeners.push(listener);
      if (state === 'idle') void open();
    },
    async close() {
      state = 'closed';
      cancelTimer();
      current?.socket.destroy();
      current = null;
    },
  };
}

const UNHEARD =
  'This node does not hear its own NOTIFY. Is there a pooler in transaction mode? Let database_listen_url lead past it';
