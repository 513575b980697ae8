import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import type { Engine, SqlValue } from '../engine.ts';
import { ANY_MESSAGE } from '../mail/message-search.ts';
import { createStore, type Store } from '../store.ts';
import { ANY_DELIVERY } from '../webhooks/delivery-queries/delivery-filter.ts';
import { prepareAppendEvents } from './append-events.ts';
import { prepareClaimDeliveries } from './claim-deliveries.ts';
import { createTestFolder } from './fixtures/test-folder.ts';
import { createReadingKysely, readLogEnd } from './kysely.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './open-database.ts';
import { prepareRecordAttempt } from './record-attempts.ts';
import { createWriter } from './writer.ts';

interface Planning {
  store: Store;
  engine: Pick<Engine, 'db' | 'lists' | 'commit' | 'logEnd'>;
}

/** A store that has one row of everything and keeps SQLite's plan of each statement it is given. */
function createPlanningStore(t: TestContext): Planning & { db: DatabaseSync; plans: string[] } {
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
    return [{ event_id: 'evt_1', position: 1, count: 1 }];
  };
  const reading = createReadingKysely(read);
  const engine: Planning['engine'] = {
    db: reading,
    lists: reading,
    logEnd: () => readLogEnd(reading),
    async commit({ statements }) {
      for (const { sql, parameters } of statements) plans.push(planOf(db, sql, parameters));
      return [];
    },
  };
  return { store: createStore(engine as Engine), engine, db, plans };
}

function planOf(db: DatabaseSync, sql: string, parameters: readonly SqlValue[]): string {
  const rows = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
  return rows.map(({ detail }) => detail).join('; ');
}

const PAGE = { projectId: 'p', limit: 20, beforeId: null };
const DELIVERIES = { ...ANY_DELIVERY, ...PAGE };
const MESSAGES = { ...ANY_MESSAGE, ...PAGE };
const EVENTS = { ...PAGE, types: [], messageKey: null, recipient: null };

const SUMS = {
  projectId: 'p',
  grain: 'hour',
  fromMs: 0,
  toMs: 1,
  dimension: 'all',
  value: null,
  stream: null,
} as const;

const SUPPRESSIONS = {
  ...PAGE,
  beforeId: 'sup_1',
  address: null,
  reason: null,
  source: null,
  stream: null,
  nowMs: 1,
};

const DELIVERY = { projectId: 'p', eventId: 'evt_1', endpointId: 'e' };
const ONE_DELIVERY =
  /^SEARCH deliveries USING PRIMARY KEY \(project_id=\? AND event_id=\? AND endpoint_id=\?\)$/;

const FIRST_OF_LINE =
  /^SEARCH deliveries USING PRIMARY KEY .*deliveries_in_line \(project_id=\? AND endpoint_id=\? AND order_key=\?\)$/;

type Ask = (store: Store, engine: Planning['engine']) => Promise<unknown>;

const QUESTIONS: [string, Ask, ...RegExp[]][] = [
  [
    'sums of some time',
    ({ statsSums }) => statsSums.sum(SUMS, 'starts_at'),
    /stats_counts USING .*PRIMARY KEY \(project_id=\? AND grain=\? AND dimension=\? AND starts_at>\? AND starts_at<\?\)/,
  ],
  ['events', ({ events }) => events.list(EVENTS), /events_id \(project_id=\?\)$/],
  [
    'events of some time',
    ({ events }) => events.list({ ...EVENTS, fromEventId: 'a', toEventId: 'z' }),
    /events_id \(project_id=\? AND id>\? AND id<\?\)$/,
  ],
  [
    'the log behind a place in it',
    ({ feed }) => feed.after({ ...EVENTS, afterPosition: -1, types: null }),
    // The newest one, then the first one behind the place, then those between.
    /^SCAN events$/,
    /^SEARCH events USING INTEGER PRIMARY KEY \(rowid>\?\)$/,
    /^SEARCH events USING INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\)$/,
  ],
  [
    'the volume of events',
    ({ eventVolume }) => eventVolume.count({ projectId: 'p', sinceMs: 1, steps: 4, limit: 9 }),
    /SEARCH events USING INDEX events_id \(project_id=\? AND id>\?\)/,
  ],
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
  [
    'whether recipients may get mail',
    ({ suppressions }) =>
      suppressions.find({
        projectId: 'p',
        addresses: ['a@b.test', 'c@d.test'],
        stream: 'broadcast',
        nowMs: 1,
      }),
    /^SEARCH suppressions USING PRIMARY KEY \(project_id=\? AND address_hash=\? AND stream=\?\)$/,
  ],
  [
    'the suppression list',
    ({ suppressions }) => suppressions.list(SUPPRESSIONS),
    /suppressions_id \(project_id=\? AND id<\?\)$/,
  ],
  [
    'the suppressions of an address',
    ({ suppressions }) => suppressions.list({ ...SUPPRESSIONS, address: 'a@b.test' }),
    /PRIMARY KEY \(project_id=\? AND address_hash=\?\)/,
  ],
  [
    'the inbound routes of some domains',
    ({ inboundRoutes }) => inboundRoutes.ofDomains('p', ['a.test', 'b.test']),
    /inbound_routes_domain \(project_id=\? AND domain=\?\)$/,
  ],
  [
    'whether an inbound mail has come before',
    ({ receivedMail }) => receivedMail.hasDigest('p', 'digest'),
    /received_mail_digest \(project_id=\? AND digest=\?\)$/,
  ],
  [
    'inbound mail',
    ({ receivedMail }) => receivedMail.list({ ...PAGE, recipient: null, routeId: null }),
    /^SEARCH received_mail USING INDEX sqlite_autoindex_received_mail_1 \(project_id=\?\)$/,
  ],
  [
    'inbound mail of an address',
    ({ receivedMail }) => receivedMail.list({ ...PAGE, recipient: 'a@b.test', routeId: null }),
    /received_mail_recipient \(project_id=\? AND recipient=\?\)$/,
  ],
  [
    'a domain by its name',
    ({ domains }) => domains.find('p', 'a.test'),
    /domains_name \(project_id=\? AND name=\?\)$/,
  ],
  ['deliveries', ({ deliveries }) => deliveries.list(DELIVERIES), /PRIMARY KEY \(project_id=\?\)$/],
  [
    'deliveries of an endpoint',
    ({ deliveries }) => deliveries.list({ ...DELIVERIES, endpointIds: ['e'] }),
    /deliveries_endpoint \(project_id=\? AND endpoint_id=\?\)$/,
  ],
  [
    'dead deliveries',
    ({ deliveries }) => deliveries.list({ ...DELIVERIES, states: ['dead'] }),
    /deliveries_dead \(project_id=\?\)$/,
  ],
  [
    'skipped deliveries, in windows',
    ({ deliveries }) => deliveries.list({ ...DELIVERIES, endpointIds: ['e'], states: ['skipped'] }),
    /^SEARCH deliveries USING COVERING INDEX deliveries_endpoint \(project_id=\? AND endpoint_id=\?\)$/,
  ],
  [
    'dead deliveries of an endpoint',
    ({ deliveries }) => deliveries.list({ ...DELIVERIES, endpointIds: ['e'], states: ['dead'] }),
    /COVERING INDEX deliveries_dead \(project_id=\?\)$/,
  ],
  [
    'what is still to be delivered',
    ({ deliveries }) => deliveries.list({ ...DELIVERIES, states: ['retrying', 'in_flight'] }),
    /deliveries_due \(project_id=\?\)$/,
    /deliveries_in_line \(project_id=\?\)$/,
    /COVERING INDEX deliveries_leased \(node>\?\)$/,
  ],
  [
    'what is still to be delivered to an endpoint',
    ({ deliveries }) => deliveries.list({ ...DELIVERIES, states: ['pending'], endpointIds: ['e'] }),
    /deliveries_due \(project_id=\? AND endpoint_id=\?\)$/,
    /deliveries_in_line \(project_id=\? AND endpoint_id=\? AND order_key>\?\)$/,
  ],
  [
    'deliveries of a message',
    ({ deliveries }) => deliveries.list({ ...DELIVERIES, messageKey: 'm' }),
    /PRIMARY KEY \(project_id=\? AND event_id=\?\).*events_message \(project_id=\? AND message_key=\?\)/,
  ],
  [
    'deliveries of an endpoint in a range of time',
    ({ deliveries }) =>
      deliveries.list({ ...DELIVERIES, endpointIds: ['e'], fromEventId: 'a', toEventId: 'b' }),
    /deliveries_endpoint \(project_id=\? AND endpoint_id=\? AND event_id>\? AND event_id<\?\)$/,
  ],
  [
    'what waits for an endpoint',
    ({ deliveries }) => deliveries.cancelWaiting('p', 'e', 1, 10),
    /deliveries_due \(project_id=\? AND endpoint_id=\?\)$/,
    /deliveries_in_line \(project_id=\? AND endpoint_id=\? AND order_key>\?\)$/,
    ONE_DELIVERY,
  ],
  [
    'how many wait',
    ({ deliveries }) => deliveries.waiting(),
    /deliveries_due$/,
    /deliveries_in_line$/,
  ],
  [
    'a delivery that is made due by hand',
    ({ deliveries }) => deliveries.requeue(DELIVERY, 1, []),
    ONE_DELIVERY,
  ],
  [
    'deliveries that are made due in bulk, and who is first of their line',
    ({ deliveries }, engine) => {
      const row = { project_id: 'p', event_id: 'evt_1', endpoint_id: 'e', state: 'dead' } as const;
      const again = [{ ...row, order_key: 'k', position: 7 }];
      const statements = deliveries.requeueStatements({ again, missing: [], nowMs: 1 });
      return engine.commit({ events: [], statements });
    },
    FIRST_OF_LINE,
    ONE_DELIVERY,
    FIRST_OF_LINE,
  ],
  [
    'deliveries that a node gives back, and what stands before them',
    ({ deliveries }) =>
      deliveries.release(
        { projectId: 'p', endpointId: 'e', node: 'n', nowMs: 1 },
        { due: ['a'], inLine: ['b'] },
      ),
    /^SEARCH d USING INDEX deliveries_leased \(node=\? AND project_id=\? AND event_id=\? AND endpoint_id=\?\);.*deliveries_in_line \(project_id=\? AND endpoint_id=\? AND order_key=\? AND position<\?\)$/,
  ],
  [
    'dead letters by endpoint and reason',
    ({ deadLetters }) => deadLetters.groups('p', 9),
    /SEARCH deliveries USING INDEX deliveries_dead \(project_id=\?\)/,
  ],
  [
    'dead letters to drop',
    ({ deadLetters }) =>
      deadLetters.drop({ projectId: 'p', endpointId: 'e', errorCode: 'timeout', nowMs: 1 }, 9),
    /^SEARCH deliveries USING INDEX deliveries_dead \(project_id=\?\)/,
  ],
  ['the next job', ({ jobs }) => jobs.next('p'), /jobs_open \(project_id=\?\)/],
  ['who has jobs to run', ({ jobs }) => jobs.projectsWithWork(), /jobs_open$/],
  [
    'what nodes hold',
    ({ nodes }) => nodes.held(1),
    /^SEARCH deliveries USING INDEX deliveries_leased \(node>\?\)$/,
    /^SEARCH transmissions USING INDEX transmissions_leased \(node>\?\)$/,
  ],
  [
    'what is held',
    ({ heldMessages }) => heldMessages.list({ ...PAGE, recipient: null }),
    /^SEARCH held_messages USING PRIMARY KEY \(project_id=\?\)$/,
  ],
  [
    'whose time of being held is up',
    ({ heldMessages }) => heldMessages.expired(1, 10),
    /held_messages_expiry \(expires_at<\?\)$/,
  ],
  [
    'which messages are to be asked after',
    ({ expectations }) => expectations.due(1, 10),
    /expectations_due \(due_at<\?\)$/,
  ],
  ['how much mail waits', ({ messages }) => messages.waiting(), /transmissions_due$/],
  [
    'how much mail waits, by project',
    ({ mailQueue }) => mailQueue.depths(1),
    /SEARCH transmissions USING INDEX transmissions_due \(due_at<\?\)/,
    /transmissions_leased \(node>\?\)/,
    /transmissions_due \(due_at>\?\)/,
  ],
  [
    'how many events a sink has refused lately',
    ({ sinkPlaces }) =>
      sinkPlaces.refusedSince({ projectId: 'p', sinkId: 's', sinceMs: 1, limit: 5 }),
    /INDEX sink_refusals_time \(project_id=\? AND sink_id=\? AND refused_at>\?\).*events_id/,
  ],
  [
    'messages of a state, a subject or a tag: a window of them by their key',
    ({ messages }) => messages.list({ ...MESSAGES, state: 'bounced', subject: 'x', tag: 't' }),
    /^SEARCH messages USING PRIMARY KEY \(project_id=\?\)$/,
    /^SEARCH messages USING PRIMARY KEY \(project_id=\?\); SEARCH recipient_states EXISTS USING PRIMARY KEY \(project_id=\? AND message_key=\?\)/,
  ],
  [
    'the first recipients of messages',
    ({ messages }) => messages.firstRecipients('p', ['m', 'n'], 3),
    /^SEARCH t USING PRIMARY KEY \(project_id=\? AND message_id=\?\); SEARCH s USING PRIMARY KEY \(project_id=\? AND message_key=\? AND recipient=\?\)/,
  ],
  [
    'messages to a recipient',
    ({ messages }) => messages.list({ ...MESSAGES, recipient: 'r' }),
    /recipient_states_recipient \(project_id=\? AND recipient=\?\)/,
  ],
];

for (const [name, ask, ...expected] of QUESTIONS) {
  test(`${name}: found by the index that is there for it`, async (t) => {
    const { store, engine, plans } = createPlanningStore(t);
    // The row is not what every question expects.
    await ask(store, engine).catch(() => {});
    for (const [i, plan] of expected.entries()) assert.match(plans[i] ?? '', plan);
  });
}

const IN_LINE = 'deliveries_in_line (project_id=? AND endpoint_id=? AND order_key=?';
const THIS_DELIVERY =
  'deliveries USING PRIMARY KEY (project_id=? AND event_id=? AND endpoint_id=?)';
const THIS_EVENT = 'INDEX events_id (project_id=? AND id=?)';

/** The plans of the statements that a part of the writer prepares, those without one left out. */
function plansOf(t: TestContext, prepare: (db: DatabaseSync) => unknown): string[] {
  const { db } = createPlanningStore(t);
  const plans: string[] = [];
  const watched: Pick<DatabaseSync, 'prepare' | 'exec'> = {
    exec: (sql) => db.exec(sql),
    prepare(sql) {
      plans.push(planOf(db, sql, []));
      return db.prepare(sql);
    },
  };
  prepare(watched as DatabaseSync);
  // Whether an index has all that is asked for does not matter here.
  return plans.filter((plan) => plan !== '').map((plan) => plan.replaceAll('COVERING ', ''));
}

test('an append looks up single rows', (t) => {
  assert.deepEqual(plansOf(t, prepareAppendEvents), [
    'MULTI-INDEX OR; INDEX 1; SEARCH events USING INDEX events_id (project_id=? AND id=?); ' +
      'INDEX 2; SEARCH events USING INDEX events_dedup (project_id=? AND dedup_key=?)',
    `SCAN CONSTANT ROW; SCALAR SUBQUERY 1; SEARCH deliveries USING INDEX ${IN_LINE})`,
    'SEARCH recipient_states USING PRIMARY KEY (project_id=? AND message_key=? AND recipient=?)',
  ]);
});

test('an attempt looks up its delivery, and who stands before and behind it', (t) => {
  assert.deepEqual(plansOf(t, prepareRecordAttempt), [
    `SEARCH ${THIS_DELIVERY}`,
    `SEARCH ${THIS_DELIVERY}`,
    `SCAN CONSTANT ROW; SCALAR SUBQUERY 1; SEARCH ${THIS_DELIVERY}`,
    `SEARCH ${THIS_DELIVERY.replace('deliveries', 'd')}; CORRELATED SCALAR SUBQUERY 1; ` +
      `SEARCH x USING INDEX ${IN_LINE} AND position<?)`,
    `SEARCH ${THIS_DELIVERY}; SCALAR SUBQUERY 1; SEARCH deliveries USING INDEX ${IN_LINE})`,
  ]);
});

test('a claim goes along what is due and what stands in line, without sorting', (t) => {
  const due = 'deliveries_due (project_id=? AND endpoint_id=? AND urgency=? AND due_at';
  assert.deepEqual(plansOf(t, prepareClaimDeliveries), [
    `SEARCH d USING INDEX ${due}<?); SEARCH e USING ${THIS_EVENT}`,
    `SEARCH d USING INDEX ${IN_LINE} AND position>?); SEARCH e USING ${THIS_EVENT}`,
    `SEARCH ${THIS_DELIVERY}`,
    `SEARCH d USING INDEX ${due}>?); SEARCH e USING ${THIS_EVENT}`,
  ]);
});

test('no statement that the writer prepares reads a whole table', (t) => {
  const plans = plansOf(t, createWriter);
  assert.ok(plans.length > 30);
  for (const plan of plans) assert.doesNotMatch(plan, /SCAN \w+(;|$)/, plan);
});
