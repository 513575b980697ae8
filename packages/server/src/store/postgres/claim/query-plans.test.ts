import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import { lowestIdAt } from '../../../core/ids.ts';
import { createTestClock } from '../../../lib/fixtures/test-clock.ts';
import { NOW_MS } from '../../conformance/sandbox.ts';
import { openTestEngine } from '../fixtures/open-test-engine.ts';
import { startTestCluster, type TestCluster, withoutPostgres } from '../fixtures/test-cluster.ts';
import { LOCK_TEXT } from '../write/recipient-states.ts';
import { MOVE_TEXT } from '../write/record-attempts.ts';
import { WRITE_SETTINGS } from '../write/writer.ts';
import { CLAIM_SETTINGS, dueText, LINES_TEXT } from './claim-deliveries.ts';

/**
 * Plans over many rows whose statistics are wrong in the way that hurts: when they were taken nothing was
 * due, and now everything is (an outage has ended).
 */
describe('plans', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  let client: Client;
  const ROWS = 20_000;

  before(async () => {
    cluster = await startTestCluster();
    const url = cluster.url(await cluster.createDatabase());
    await (await openTestEngine(url, { clock: createTestClock(NOW_MS) })).close();
    client = new Client({ connectionString: url });
    await client.connect();
    const ids = `'evt_' || lpad(i::text, 26, '0')`;
    await client.query(
      `INSERT INTO posthorn.deliveries (project_id, event_id, endpoint_id, state, urgency, attempts,
         failures, due_at, order_key, position, created_at, retain_until)
       SELECT 'p', ${ids}, 'e' || i % 3, 'pending', 1, 0, 0, ${NOW_MS} + 60000 + i,
         CASE WHEN i % 2 = 0 THEN 'k' || i % 50 END, i, 0, 0 FROM generate_series(1, ${ROWS}) i;
       INSERT INTO posthorn.events (position, project_id, id, type, message_key, recipient,
         occurred_at, received_at, body, retain_until)
       SELECT i, 'p', '${lowestIdAt('event', NOW_MS).slice(0, 20)}' || lpad(i::text, 10, '0'), 't',
         'm' || i % 1000, 'r', 0, 0, '{}', 0 FROM generate_series(1, ${ROWS}) i;
       INSERT INTO posthorn.recipient_states (project_id, message_key, recipient, sequence, retain_until)
       SELECT 'p', 'm' || i, 'r', 1, 0 FROM generate_series(1, ${ROWS}) i;
       ANALYZE;
       UPDATE posthorn.deliveries SET due_at = due_at - 120000`,
    );
  });
  after(async () => {
    await client.end();
    await cluster.stop();
  });

  async function planOf(
    text: string,
    values: unknown[],
    settings: readonly string[] = [],
  ): Promise<string> {
    await client.query('BEGIN');
    for (const one of settings) await client.query(`SET LOCAL ${one}`);
    const { rows } = await client.query(`EXPLAIN (COSTS off) ${text}`, values);
    await client.query('ROLLBACK');
    return rows.map((row) => String(row['QUERY PLAN'])).join('\n');
  }

  test('a claim walks along what is due, in order, and neither collects nor sorts', async () => {
    const values = ['p', 'e1', 1, NOW_MS + 999_999];
    const plan = await planOf(dueText(100, 'FOR UPDATE SKIP LOCKED'), values, CLAIM_SETTINGS);
    assert.match(
      plan,
      /^Limit\n +-> +LockRows\n +-> +Index Scan using deliveries_due on deliveries/,
    );
    assert.doesNotMatch(plan, /Sort|Bitmap|Seq Scan/);
  });

  test('what stands in line is found by its place, a line at a time', async () => {
    const plan = await planOf(LINES_TEXT, ['p', 'e1', '{k2,k4}', '{10,20}'], CLAIM_SETTINGS);
    assert.match(plan, /Index Scan using deliveries_in_line on deliveries x/);
    assert.doesNotMatch(plan, /Sort|Bitmap|Seq Scan/);
  });

  test('a large batch looks up what it changes by key, one by one', async () => {
    const column = (value: (i: number) => unknown) =>
      Array.from({ length: 1_000 }, (_, i) => value(i));
    const keys = [column(() => 'p'), column((i) => `m${i}`), column(() => 'r')];
    const states = await planOf(LOCK_TEXT, keys, WRITE_SETTINGS);
    assert.match(
      states,
      /Nested Loop\n.*Function Scan.*\n +-> +Index Scan using recipient_states_/,
    );
    const numbers = [5, 7, 8, 9, 15, 16, 17];
    const attempts = Array.from({ length: 17 }, (_, i) =>
      column((row) => (numbers.includes(i + 1) ? row : `evt_${row}`)),
    );
    const results = await planOf(MOVE_TEXT, attempts, WRITE_SETTINGS);
    assert.match(results, /Nested Loop\n.*Function Scan.*\n +-> +Index Scan using deliveries_/);
  });

  test('an event is looked up by its id in one partition', async () => {
    const ids = [1, 2].map((i) => lowestIdAt('event', NOW_MS + i));
    const body = 'SELECT body FROM posthorn.events WHERE project_id = $1';
    for (const [text, values] of [
      [`${body} AND id = $2`, ['p', ids[0]]],
      [`${body} AND id = ANY ($2::text[])`, ['p', ids]],
    ] as const) {
      const plan = await planOf(text, [...values]);
      assert.deepEqual(plan.match(/events_\w+ on events_\w+/g), [
        'events_20260115_pkey on events_20260115',
      ]);
    }
  });

  test('the newest events of a project are merged from the ends of the partitions, without sorting', async () => {
    const plan = await planOf(
      'SELECT body FROM posthorn.events WHERE project_id = $1 ORDER BY id DESC LIMIT 20',
      ['p'],
    );
    assert.match(plan, /^Limit\n +-> +Merge Append\n +Sort Key.*\n +-> +Index Scan Backward/);
    assert.doesNotMatch(plan, /-> +Sort|Seq Scan/);
  });
});
