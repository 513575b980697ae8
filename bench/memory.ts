import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type BenchEngine, sampleEvent, startBenchEngine } from './engine.ts';
import { type BenchResult, median } from './result.ts';
import { startSink } from './start-sink.ts';

/**
 * Resident memory of the process with 200,000 deliveries pending, against the same process when it
 * has done as much work and nothing is pending. The endpoint of the backlog takes connections and
 * never answers. Resident means what the system counts: heap, buffers and SQLite's caches.
 *
 * The choice of "none" decides the outcome. After equal work, heap and caches have grown in both, so
 * `ratio` is what the backlog itself adds. A process that has just started is smaller than either;
 * `ratio_to_fresh` says by how much, and is above the target.
 */
const TARGET = 1.3;
const PENDING = 200_000;
const WARM_UP = 60_000;
const BATCH = 200;
/** Batches on their way at once, so that the caller itself holds little. */
const CALLS = 4;

export async function benchMemory(): Promise<BenchResult> {
  const [sink, silent] = [await startSink(), await startSink('silent')];
  const engine = await startBenchEngine();
  try {
    const fresh = await residentBytes();
    const endpointId = await engine.addEndpoint(`http://127.0.0.1:${sink.port}/hook`);
    await append(engine, WARM_UP);
    while (
      engine.dispatcher.stats().inMemory > 0 ||
      (await engine.store.deliveries.waiting()) > 0
    ) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await engine.removeEndpoint(endpointId);
    const none = await residentBytes();
    await engine.addEndpoint(`http://127.0.0.1:${silent.port}/hook`);
    await append(engine, PENDING);
    const waiting = await engine.store.deliveries.waiting();
    const { inMemory } = engine.dispatcher.stats();
    const pending = await residentBytes();
    const ratio = pending / none;
    return {
      bench: 'memory',
      ratio,
      target: TARGET,
      pass: ratio <= TARGET && waiting + inMemory >= PENDING,
      pending: waiting + inMemory,
      ratio_to_fresh: Number((pending / fresh).toFixed(3)),
      resident_mb_fresh: Math.round(fresh / 2 ** 20),
      resident_mb_with_none: Math.round(none / 2 ** 20),
      resident_mb_with_pending: Math.round(pending / 2 ** 20),
    };
  } finally {
    silent.stop();
    await engine.close();
    sink.stop();
  }
}

async function append(engine: BenchEngine, count: number): Promise<void> {
  const { log, ids, projectId } = engine;
  let left = count / BATCH;
  async function call(): Promise<void> {
    while (left > 0) {
      left -= 1;
      await log.append(
        Array.from({ length: BATCH }, () => ({
          projectId,
          event: sampleEvent(ids),
          dedupKey: null,
        })),
      );
    }
  }
  await Promise.all(Array.from({ length: CALLS }, call));
}

/** The median of several looks, each after a full collection: garbage is not what is measured. */
async function residentBytes(): Promise<number> {
  setFlagsFromString('--expose_gc');
  const collect: () => void = runInNewContext('gc');
  const looks: number[] = [];
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 200));
    looks.push(process.memoryUsage.rss());
  }
  return median(looks);
}
