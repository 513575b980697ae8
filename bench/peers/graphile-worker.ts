import type { CanonicalEvent } from '@posthorn/sdk';
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { Pool } from 'pg';
import { IN_FLIGHT } from '../engine.ts';
import { ATTEMPTS, collect, createSender, createTally, type Peer, until } from './peer.ts';

const TASK = 'post';

/**
 * Jobs come in bulk, are fetched in batches and ended in batches. It deletes a job that has succeeded, so
 * its results are kept in a table, many with one statement.
 */
export async function startGraphileWorkerPeer(url: string, databaseUrl: string): Promise<Peer> {
  const database = new Pool({ connectionString: databaseUrl, max: 4 });
  await database.query(
    'CREATE TABLE results (event_id text PRIMARY KEY, status integer NOT NULL, ms real NOT NULL)',
  );
  const sender = createSender(url);
  const tally = createTally();
  const record = collect<{ id: string; status: number; ms: number }>(async (results) => {
    await database.query(
      'INSERT INTO results SELECT * FROM unnest($1::text[], $2::integer[], $3::real[]) ON CONFLICT DO NOTHING',
      [
        results.map(({ id }) => id),
        results.map(({ status }) => status),
        results.map(({ ms }) => ms),
      ],
    );
  });
  const preset = {
    worker: {
      connectionString: databaseUrl,
      maxPoolSize: 10,
      concurrentJobs: IN_FLIGHT,
      localQueue: { size: 512 },
      completeJobBatchDelay: 10,
      failJobBatchDelay: 10,
      logger: new Logger(() => () => {}),
    },
  };
  const runner = await run({
    preset,
    noHandleSignals: true,
    taskList: {
      async [TASK](payload) {
        const event = payload as CanonicalEvent;
        const { status, ms } = await sender.post(event);
        await record({ id: event.id, status, ms });
        tally.add();
      },
    },
  });
  const utils = await makeWorkerUtils({ preset });
  return {
    name: 'graphile-worker',
    guarantee: 'accepted = synced to disk; results in a table of the user\u2019s own',
    append: collect<CanonicalEvent>(async (events) => {
      await utils.addJobs(
        events.map((payload) => ({ identifier: TASK, payload, maxAttempts: ATTEMPTS })),
      );
    }),
    ...tally,
    settle: () =>
      until(
        async () =>
          (await database.query('SELECT 1 FROM graphile_worker.jobs LIMIT 1')).rows.length === 0,
      ),
    async close() {
      await runner.stop();
      await utils.release();
      await database.end();
      await sender.close();
    },
  };
}
