import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadyProcess } from 'posthorn/src/cli/whole/fixtures/posthorn-process.ts';
import { type BenchResult, median } from './result.ts';
import { type BenchChild, startChild } from './smtp/child.ts';
import { composeBenchMessage } from './smtp/message.ts';
import {
  API_KEY,
  prepareSignedServer,
  type SignedServer,
  TRANSACTIONS,
} from './smtp/signed-server.ts';
import { createSubmitter, type Submitter } from './smtp/submit.ts';

/**
 * Mail by SMTP through `posthorn serve`, a process of its own, with two DKIM signatures a message and fsync
 * before each 250:
 *
 * - accepted, over one connection and over 20, against the smtp-server library alone, which forgets what
 *   it takes;
 * - delivered, 20 transactions at a time out of a queue on disk, against nodemailer's SMTPConnection alone
 *   over 20 connections;
 * - the whole way at once, to a server that defers and bounces one domain of ten each.
 *
 * In turns, with 5 kB and with 100 kB; of the ratios of the rounds the median. `ratio` is the smallest of
 * accepting over 20 connections and delivering.
 */
const TARGET = 0.7;
const SIZES = [5_000, 100_000];
const ROUNDS = 3;
/** A server compiles what is hot for its first thousands of messages; an operator's has done that. */
const WARM_UP_MS = 3_000;
const ROUND_MS = 1_500;
/** How long the queue is filled for a round of delivering, of which a good part goes out before it. */
const FILL_MS = 7_000;
/** From the first message that goes out until the measurement. */
const DELIVERY_START_MS = 2_500;
/** A queue of which nothing comes out for so long is empty. */
const EMPTY_MS = 400;
const LOOK_MS = 10;
const CONNECTIONS = [1, 20];

interface Ratios {
  /** By the number of connections. */
  accept: Map<number, number>;
  deliver: number;
  figures: Record<string, number>;
}

export async function benchSmtp(): Promise<BenchResult> {
  const sink = await startChild('./mail-sink.ts');
  const library = await startChild('./discard-server.ts');
  try {
    const measured: Ratios[] = [];
    for (const sizeBytes of SIZES) measured.push(await measureSize(sizeBytes, sink, library));
    const accept = Math.min(...measured.map((one) => one.accept.get(20) ?? 0));
    const deliver = Math.min(...measured.map((one) => one.deliver));
    const ratio = Math.min(accept, deliver);
    const one = Math.min(...measured.map(({ accept: by }) => by.get(1) ?? 0));
    return {
      bench: 'smtp',
      ratio,
      target: TARGET,
      pass: ratio >= TARGET,
      accept_ratio: round(accept),
      accept_one_connection_ratio: round(one),
      deliver_ratio: round(deliver),
      ...Object.assign({}, ...measured.map(({ figures }) => figures)),
    };
  } finally {
    sink.stop();
    library.stop();
  }
}

async function measureSize(
  sizeBytes: number,
  sink: BenchChild,
  library: BenchChild,
): Promise<Ratios> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  const signed = await prepareSignedServer({ folder, sinkPort: sink.port });
  const name = `${sizeBytes / 1_000}_kb`;
  const figures: Record<string, number> = {};
  const accept = new Map<number, number>();
  try {
    await whileRunning(signed, 'api,smtp', async ({ smtpPort }) => {
      for (const connections of CONNECTIONS) {
        const rounds = await measureAccepting({
          ...{ sizeBytes, connections, libraryPort: library.port, smtpPort },
        });
        accept.set(connections, median(rounds.map(({ ours, theirs }) => ours / theirs)));
        const key = `accept_${name}_${connections}_connections`;
        figures[`${key}_per_s`] = Math.round(median(rounds.map(({ ours }) => ours)));
        figures[`${key}_library_per_s`] = Math.round(median(rounds.map(({ theirs }) => theirs)));
        say(`accept ${name}, ${connections} connections`, rounds);
      }
    });
    const delivered = await measureDelivering(signed, sizeBytes, sink);
    figures[`deliver_${name}_per_s`] = Math.round(median(delivered.map(({ ours }) => ours)));
    figures[`deliver_${name}_nodemailer_per_s`] = Math.round(
      median(delivered.map(({ theirs }) => theirs)),
    );
    say(`deliver ${name}`, delivered);
    figures[`whole_way_${name}_per_s`] = await measureWholeWay(signed, sizeBytes, sink);
    return {
      accept,
      deliver: median(delivered.map(({ ours, theirs }) => ours / theirs)),
      figures,
    };
  } finally {
    await signed.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function submitTo(port: number, connections: number, sizeBytes: number): Promise<Submitter> {
  return createSubmitter({
    ...{ port, connections, password: API_KEY, raw: composeBenchMessage(sizeBytes) },
    recipientOf: (number) => `user${number}@ok.example`,
  });
}

interface Round {
  ours: number;
  theirs: number;
}

async function measureAccepting(how: {
  sizeBytes: number;
  connections: number;
  libraryPort: number;
  smtpPort: number;
}): Promise<Round[]> {
  const { connections, sizeBytes } = how;
  const ours = await submitTo(how.smtpPort, connections, sizeBytes);
  const theirs = await submitTo(how.libraryPort, connections, sizeBytes);
  await theirs.run(WARM_UP_MS);
  await ours.run(WARM_UP_MS);
  const rounds: Round[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    rounds.push({ theirs: await theirs.run(ROUND_MS), ours: await ours.run(ROUND_MS) });
  }
  for (const one of [ours, theirs]) one.close();
  return rounds;
}

/** Out of a queue that was filled before, by a server that does nothing else. */
async function measureDelivering(
  signed: SignedServer,
  sizeBytes: number,
  sink: BenchChild,
): Promise<Round[]> {
  const args = [sink.port, TRANSACTIONS, sizeBytes].map(String);
  const nodemailer = await startChild('./nodemailer-sender.ts', args);
  await nodemailer.ask({ forMs: WARM_UP_MS });
  const rounds: Round[] = [];
  try {
    for (let i = 0; i < ROUNDS; i += 1) {
      const theirs = await nodemailer.ask<number>({ forMs: ROUND_MS });
      await whileRunning(signed, 'api,smtp', async ({ smtpPort }) => {
        const submitter = await submitTo(smtpPort, 20, sizeBytes);
        await submitter.run(FILL_MS);
        submitter.close();
      });
      const before = await taken(sink);
      const ours = await whileRunning(signed, 'api,smtp,mail', async () => {
        while ((await taken(sink)) === before) await pause(LOOK_MS);
        await pause(DELIVERY_START_MS);
        return measureTaken(sink, ROUND_MS);
      });
      rounds.push({ theirs, ours });
    }
    return rounds;
  } finally {
    nodemailer.stop();
  }
}

/** Messages a second that come in, go out and have an end, one of ten being put off and one refused. */
async function measureWholeWay(
  signed: SignedServer,
  sizeBytes: number,
  sink: BenchChild,
): Promise<number> {
  return whileRunning(signed, 'api,smtp,mail,dispatch', async ({ smtpPort }) => {
    const submitter = await createSubmitter({
      ...{ port: smtpPort, connections: 20, password: API_KEY },
      raw: composeBenchMessage(sizeBytes),
      recipientOf: (number) =>
        `user${number}@${['defer.example', 'bounce.example'][number % 10] ?? 'ok.example'}`,
    });
    const before = await answered(sink);
    const startedAt = performance.now();
    await submitter.run(ROUND_MS);
    const rate = ((await answered(sink)) - before) / ((performance.now() - startedAt) / 1_000);
    submitter.close();
    return Math.round(rate);
  });
}

/** Messages a second, for so long, or until the queue is empty. */
async function measureTaken(sink: BenchChild, forMs: number): Promise<number> {
  const before = await taken(sink);
  const startedAt = performance.now();
  let last = { count: 0, atMs: startedAt };
  for (let now = startedAt; now - startedAt < forMs; now = performance.now()) {
    const count = (await taken(sink)) - before;
    if (count > last.count) last = { count, atMs: performance.now() };
    else if (now - last.atMs > EMPTY_MS) break;
    await pause(LOOK_MS);
  }
  return last.count / ((last.atMs - startedAt) / 1_000);
}

async function whileRunning<T>(
  signed: SignedServer,
  roles: string,
  work: (server: ReadyProcess) => Promise<T>,
): Promise<T> {
  const server = await signed.start(roles);
  try {
    return await work(server);
  } finally {
    server.child.kill('SIGTERM');
    await server.ended;
  }
}

interface Counts {
  taken: number;
  deferred: number;
  bounced: number;
}

const taken = async (sink: BenchChild): Promise<number> => (await sink.ask<Counts>('counts')).taken;

async function answered(sink: BenchChild): Promise<number> {
  const counts = await sink.ask<Counts>('counts');
  return counts.taken + counts.deferred + counts.bounced;
}

function say(what: string, rounds: readonly Round[]): void {
  const shown = rounds.map(({ ours, theirs }) => {
    return `${Math.round(ours)}/${Math.round(theirs)} = ${round(ours / theirs)}`;
  });
  console.log(`${what}: ${shown.join(', ')}`);
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
