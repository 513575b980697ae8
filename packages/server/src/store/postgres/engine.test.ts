import { after, before, describe } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { describeStore } from '../conformance/describe-store.ts';
import { openPostgresEngine } from './engine.ts';
import { startTestCluster, type TestCluster, withoutPostgres } from './fixtures/test-cluster.ts';

describe('PostgreSQL', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  describeStore('PostgreSQL', async () => {
    const url = cluster.url(await cluster.createDatabase());
    const engine = await openPostgresEngine({
      url,
      readUrl: null,
      clock: systemClock,
      poolSize: 10,
    });
    return { engine, close: () => engine.close() };
  });
});
