import { after, before, describe } from 'node:test';
import { describeWork } from '../conformance/describe-store.ts';
import { CAPABILITIES } from './connect/capabilities.ts';
import { createOpener } from './fixtures/open-test-engine.ts';
import { startPgBouncer, withoutPgBouncer } from './fixtures/pgbouncer.ts';
import { startTestCluster, type TestCluster, withoutPostgres } from './fixtures/test-cluster.ts';

describe('through PgBouncer in transaction mode', { skip: withoutPgBouncer }, () => {
  let cluster: TestCluster;
  let bouncer: Awaited<ReturnType<typeof startPgBouncer>>;
  before(async () => {
    cluster = await startTestCluster();
    bouncer = await startPgBouncer(cluster, 3);
  });
  after(async () => {
    bouncer.stop();
    await cluster.stop();
  });

  describeWork(
    createOpener(
      () => cluster,
      {},
      (database) => bouncer.url(database),
    ),
  );
});

describe('as on servers that have less', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  // What CockroachDB is said to have: nothing beyond the rows, their locks and SKIP LOCKED.
  const capabilities = { ...CAPABILITIES.cockroach, skipLocked: false };
  describeWork(createOpener(() => cluster, { capabilities }));
});
