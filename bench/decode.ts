import { createHmac } from 'node:crypto';
import {
  createGenuineRequests,
  type GenuineRequest,
} from '@posthorn/sdk/src/providers/fixtures/genuine-requests.ts';
import { type BenchResult, median } from './result.ts';

/**
 * Events a second that are verified and decoded, by provider: from the bytes of a genuine request to events
 * of ours, without a network or an inbox. Against the least that anybody could do with the same bytes,
 * JSON.parse and one HMAC-SHA256 over them, in turns; of each provider the median of the rounds, and the
 * ratio is the median of the providers'. Those that sign with RSA, ECDSA or Ed25519 pay for that. A second
 * is one of the processor's time, which is the clock's on a machine that does nothing else.
 */
const TARGET = 0.1;
const ROUNDS = 5;
const WARM_UP_MS = 150;
const ROUND_MS = 100;
/** The clock is read once for so many requests: it costs as much as a small one. */
const STRIDE = 16;

export async function benchDecode(): Promise<BenchResult> {
  const figures: Record<string, number> = {};
  const ratios: number[] = [];
  for (const genuine of createGenuineRequests()) {
    const { eventsPerSecond, ratio } = await measureProvider(genuine);
    const { name } = genuine.provider;
    figures[`${name}_events_per_s`] = Math.round(eventsPerSecond);
    ratios.push(ratio);
    console.log(
      `${name.padEnd(13)} ${Math.round(eventsPerSecond).toLocaleString('en').padStart(9)} events/s, ${genuine.events.toString().padStart(2)} a request, ${ratio.toFixed(2)} of the least`,
    );
  }
  const ratio = median(ratios);
  const slowest = Math.min(...Object.values(figures));
  return {
    bench: 'decode',
    ratio,
    target: TARGET,
    pass: ratio >= TARGET,
    slowest_events_per_s: slowest,
    median_events_per_s: Math.round(median(Object.values(figures))),
    ...figures,
  };
}

async function measureProvider(
  genuine: GenuineRequest,
): Promise<{ eventsPerSecond: number; ratio: number }> {
  const { provider, request, secrets, nowMs, events } = genuine;
  const whole = async (): Promise<void> => {
    await provider.verify(request, { secrets, nowMs });
    if (provider.decode(request).length !== events)
      throw new Error(`${provider.name} lost events.`);
  };
  const text = jsonTextOf(request.body);
  const least = (): void => {
    createHmac('sha256', 'a secret of some length').update(request.body).digest('hex');
    JSON.parse(text());
  };
  await measure(whole, WARM_UP_MS);
  await measure(least, WARM_UP_MS);
  const rounds: { whole: number; least: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({ least: await measure(least, ROUND_MS), whole: await measure(whole, ROUND_MS) });
  }
  return {
    eventsPerSecond: median(rounds.map((one) => one.whole)) * events,
    ratio: median(rounds.map((one) => one.whole / one.least)),
  };
}

/** A form holds its JSON in a field, or none: then its parameters stand for it. */
function jsonTextOf(body: Uint8Array): () => string {
  const bytes = Buffer.from(body);
  if (/^[[{]/.test(bytes.toString())) return () => bytes.toString();
  return () => JSON.stringify(Object.fromEntries(new URLSearchParams(bytes.toString())));
}

/** Requests a second. */
async function measure(work: () => unknown, forMs: number): Promise<number> {
  const start = process.cpuUsage();
  let done = 0;
  let tookMs: number;
  do {
    for (let i = 0; i < STRIDE; i++) await work();
    done += STRIDE;
    const { user, system } = process.cpuUsage(start);
    tookMs = (user + system) / 1_000;
  } while (tookMs < forMs);
  return (done / tookMs) * 1_000;
}
