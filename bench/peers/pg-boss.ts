import type { CanonicalEvent } from '@posthorn/sdk';
import { Pool } from 'pg';
import { type JobResult, PgBoss } from 'pg-boss';
import {
  ATTEMPTS,
  collect,
  createSender,
  createTally,
  FIRST_WAIT_SECONDS,
  type Peer,
  until,
} from './peer.ts';

const QUEUE = 'events';

/**
 * Jobs come in bulk, wake the workers by NOTIFY, and are fetched and ended in batches as long as there are
 * enough; four workers, so that one fetches while another posts.
 */
export async function startPgBossPeer(url: string, databaseUrl: string): Promise<Peer> {
  const boss = new PgBoss({ connectionString: databaseUrl, max: 12, useListenNotify: true });
  boss.on('error', () => {});
  await boss.start();
  await boss.createQueue(QUEUE, {
    notify: true,
    retryLimit: ATTEMPTS - 1,
    retryDelay: FIRST_WAIT_SECONDS,
    retryBackoff: true,
  });
  const sender = createSender(url);
  const tally = createTally();
  const options = {
    batchSize: 64,
    perJobResults: true as const,
    localConcurrency: 4,
    pollingIntervalSeconds: 0.5,
    // Retries are not notified: with the usual 30 s each would be late by up to that.
    notifyPollingIntervalSeconds: 5,
    burstWhenBatchFull: true,
  };
  await boss.work<CanonicalEvent>(QUEUE, options, (jobs) =>
    Promise.all(
      jobs.map(async ({ id, data }): Promise<JobResult> => {
        try {
          return { id, status: 'completed', output: await sender.post(data) };
        } catch (error) {
          return { id, status: 'failed', output: { detail: String(error) } };
        } finally {
          tally.add();
        }
      }),
    ),
  );
  const reader = new Pool({ connectionString: databaseUrl, max: 1 });
  return {
    name: 'pg-boss',
    guarantee: 'accepted = synced to disk; result kept with the job',
    append: collect<CanonicalEvent>(async (events) => {
      await boss.insert(
        QUEUE,
        events.map((data) => ({ data })),
      );
    }),
    ...tally,
    settle: () =>
      until(async () => {
        const open = `SELECT 1 FROM pgboss.job WHERE name = $1 AND state IN ('created', 'retry', 'active') LIMIT 1`;
        return (await reader.query(open, [QUEUE])).rows.length === 0;
      }),
    async close() {
      await boss.stop({ graceful: false });
      await reader.end();
      await sender.close();
    },
  };
}
