import type { CanonicalEvent } from '@posthorn/sdk';
import { Queue, Worker } from 'bullmq';
import { IN_FLIGHT } from '../engine.ts';
import {
  ATTEMPTS,
  collect,
  createSender,
  createTally,
  FIRST_WAIT_SECONDS,
  type Peer,
} from './peer.ts';
import { startRedis } from './redis.ts';

/** Jobs come in bulk; finished ones stay, with their results. */
export async function startBullmqPeer(
  url: string,
  appendfsync: 'always' | 'everysec',
): Promise<Peer> {
  const redis = await startRedis(appendfsync);
  const connection = { host: '127.0.0.1', port: redis.port, maxRetriesPerRequest: null };
  const queue = new Queue<CanonicalEvent>('events', {
    connection,
    defaultJobOptions: {
      attempts: ATTEMPTS,
      backoff: { type: 'exponential', delay: FIRST_WAIT_SECONDS * 1_000 },
    },
  });
  const sender = createSender(url);
  const tally = createTally();
  const worker = new Worker<CanonicalEvent>('events', (job) => sender.post(job.data), {
    connection,
    concurrency: IN_FLIGHT,
  });
  let appended = 0;
  // Told when the result is in Redis.
  worker.on('completed', tally.add);
  worker.on('error', () => {});
  await worker.waitUntilReady();
  const append = collect<CanonicalEvent>(async (events) => {
    await queue.addBulk(events.map((data) => ({ name: 'event', data, opts: { jobId: data.id } })));
  });
  return {
    name: `BullMQ, appendfsync ${appendfsync}`,
    guarantee:
      appendfsync === 'always'
        ? 'accepted = synced to disk; all jobs stay in memory; result kept with the job'
        : 'accepted = given to the system, synced within a second or two: a power cut loses those; result kept with the job',
    append(event) {
      appended += 1;
      return append(event);
    },
    ...tally,
    async settle() {
      while (tally.done() < appended) await new Promise((resolve) => setTimeout(resolve, 10));
    },
    async close() {
      await worker.close();
      await queue.close();
      await sender.close();
      await redis.stop();
    },
  };
}
