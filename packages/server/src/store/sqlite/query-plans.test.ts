import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import type { SqlValue } from '../engine.ts';
import { createStore, type Store } from '../store.ts';
import { createTestFolder } from './fixtures/test-folder.ts';
import { createReadingKysely } from './kysely.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './open-database.ts';

/** A store that answers nothing and keeps SQLite's plan of each question that it is asked. */
function createPlanningStore(t: TestContext): { store: Store; db: DatabaseSync; plans: string[] } {
  const file = join(createTestFolder(t).path, 'plans.sqlite');
  const settings = { file, maxSizeBytes: null, busyTimeoutMs: 0 };
  const writer = openDatabase({ ...settings, role: 'writer' });
  migrate(writer);
  writer.close();
  const db = new DatabaseSync(file);
  t.after(() => db.close());
  const plans: string[] = [];
  const read = async (sql: string, parameters: readonly SqlValue[]) => {
    plans.push(planOf(db, sql, parameters));
    return [];
  };
  const kysely = createReadingKysely(read);
  const store = createStore({ db: kysely } as Parameters<typeof createStore>[0]);
  return { store, db, plans };
}

function planOf(db: DatabaseSync, sql: string, parameters: readonly SqlValue[]): string {
  const rows = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
  return rows.map(({ detail }) => detail).join('; ');
}

const PAGE = { projectId: 'p', limit: 20, beforeId: null };
const DELIVERIES = { ...PAGE, state: null, endpointId: null, eventId: null };
const EVENTS = { ...PAGE, types: [], messageKey: null, recipient: null };

const QUESTIONS: [string, (store: Store) => Promise<unknown>, RegExp][] = [
  ['events', ({ events }) => events.list(EVENTS), /events_id \(project_id=\?\)$/],
  [
    'events of a message',
    ({ events }) => events.list({ ...EVENTS, messageKey: 'm', beforeId: 'e' }),
    /events_message \(project_id=\? AND message_key=\? AND id<\?\)$/,
  ],
  [
    'events of a recipient',
    ({ events }) => events.list({ ...EVENTS, recipient: 'r' }),
    /events_message \(project_id=\? AND message_key=\?\).*recipient_states_recipient \(project_id=\? AND recipient=\?\)/,
  ],
  ['deliveries', ({ deliveries }) => deliveries.list(DELIVERIES), /PRIMARY KEY \(project_id=\?\)$/],
  [
    'deliveries of an endpoint',
    ({ deliveries }) => deliveries.list({ ...DELIVERIES, endpointId: 'e' }),
    /deliveries_endpoint \(project_id=\? AND endpoint_id=\?\)$/,
  ],
  [
    'dead deliveries',
    ({ deliveries }) => deliveries.list({ ...DELIVERIES, state: 'dead' }),
    /deliveries_dead \(project_id=\?\)$/,
  ],
  [
    'what waits for an endpoint',
    ({ deliveries }) => deliveries.cancelWaiting('p', 'e', 1, 10),
    /deliveries_due \(project_id=\? AND endpoint_id=\?\)$/,
  ],
  ['how many wait', ({ deliveries }) => deliveries.waiting(), /deliveries_due$/],
  ['how much mail waits', ({ messages }) => messages.waiting(), /transmissions_due$/],
  [
    'messages to a recipient',
    ({ messages }) => messages.list({ ...PAGE, recipient: 'r' }),
    /recipient_states_recipient \(project_id=\? AND recipient=\?\)/,
  ],
];

for (const [name, ask, expected] of QUESTIONS) {
  test(`${name}: read by the index that is there for it`, async (t) => {
    const { store, plans } = createPlanningStore(t);
    // The answer is empty, which a count does not expect.
    await ask(store).catch(() => {});
    assert.match(plans[0] ?? '', expected);
  });
}

test('the statements of the hot path look up single rows', (t) => {
  const { db } = createPlanningStore(t);
  const plan = (sql: string) => planOf(db, sql, []);
  assert.equal(
    plan(
      'SELECT id FROM events WHERE project_id = ?1 AND (id = ?2 OR dedup_key = ?3) LIMIT 1',
    ).replaceAll('COVERING ', ''),
    'MULTI-INDEX OR; INDEX 1; SEARCH events USING INDEX events_id (project_id=? AND id=?); ' +
      'INDEX 2; SEARCH events USING INDEX events_dedup (project_id=? AND dedup_key=?)',
  );
  assert.equal(
    plan(`UPDATE deliveries SET node = NULL WHERE project_id = ?1 AND event_id = ?2
      AND endpoint_id = ?3 AND node = ?4 AND state = 'pending'`),
    'SEARCH deliveries USING PRIMARY KEY (project_id=? AND event_id=? AND endpoint_id=?)',
  );
  assert.match(
    plan(`SELECT 1 FROM deliveries d CROSS JOIN events e
        ON e.project_id = d.project_id AND e.id = d.event_id
      WHERE d.project_id = ?1 AND d.endpoint_id = ?2 AND d.due_at <= ?3 AND d.state = 'pending'
        AND d.node IS NULL ORDER BY d.due_at, d.event_id LIMIT ?4`),
    /deliveries_due \(project_id=\? AND endpoint_id=\? AND due_at<\?\).*events_id \(project_id=\? AND id=\?\)$/,
  );
});
