import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { EventType } from '@posthorn/sdk';
import { turn, until } from '../lib/fixtures/test-clock.ts';
import { silentLog } from '../lib/log.ts';
import { createEventLog, type NewEvent } from '../store/log/event-log.ts';
import type { Report } from './endpoints/endpoint-health.ts';
import { makeEndpointRecord } from './fixtures/make-endpoint.ts';
import { setUpDispatcher } from './fixtures/set-up-dispatcher.ts';
import { createReporter, type Notice, writeNotice } from './reporter.ts';

const HOUR_MS = 3_600_000;

function makeReport(fields: Partial<Report> = {}, notifyEmail: string | null = null): Report {
  const record = makeEndpointRecord({
    description: 'Orders',
    settings: { notifyEmail },
  });
  return {
    endpoint: { ...record, secretsSealed: '' },
    type: 'endpoint.failing',
    data: {
      endpoint: {
        id: record.id,
        url: record.url,
        failing_since: '2026-11-20T10:00:00.000Z',
        patience_used_percent: 50,
        reason: 'The endpoint answered 500.',
      },
    },
    dedupKey: 'endpoint.failing:ep_1:1:50',
    ...fields,
  };
}

const exhausted = (eventId: string, notifyEmail: string | null, id = 'ep_1'): Report => {
  const report = makeReport({}, notifyEmail);
  return {
    ...report,
    endpoint: { ...report.endpoint, id },
    type: 'delivery.exhausted',
    data: {
      exhausted: {
        event_id: eventId,
        event_type: 'email.bounced',
        endpoint_id: id,
        delivery_id: 'dlv_1',
        attempts: 10,
        last_error: { code: 'http_status', detail: 'The endpoint answered 500.', status: 500 },
      },
    },
    dedupKey: `delivery.exhausted:${eventId}:${id}:10`,
  };
};

async function setUp(t: TestContext) {
  const setup = await setUpDispatcher(t, { idle: true });
  const { engine, dispatcher, clock, ids } = setup;
  const notices: Notice[] = [];
  const appended: NewEvent[] = [];
  let refused: Error | null = null;
  const eventLog = createEventLog({
    engine,
    subscribers: dispatcher,
    now: clock.now,
    retentionMs: () => HOUR_MS,
  });
  const reporter = createReporter({
    eventLog: {
      append(events) {
        appended.push(...events);
        return eventLog.append(events);
      },
    },
    ids,
    clock,
    log: silentLog,
    async notify(notice) {
      if (refused !== null) throw refused;
      notices.push(notice);
    },
  });
  return {
    ...setup,
    reporter,
    notices,
    appended,
    refuseMail(error: Error | null) {
      refused = error;
    },
    stored: () => engine.db.selectFrom('events').select(['type', 'body']).orderBy('id').execute(),
  };
}

test('a report is an event of the log, with what it says and who says it', async (t) => {
  const { reporter, stored } = await setUp(t);
  reporter.report(makeReport());
  await until('it is stored', async () => (await stored()).length === 1);
  const [event] = await stored();
  assert.equal(event?.type, 'endpoint.failing');
  assert.deepEqual(JSON.parse(event?.body ?? '').data, {
    provider: 'posthorn',
    received_at: '2026-11-20T10:00:00.000Z',
    ...makeReport().data,
  });
});

test('the same report twice is one event and one notice', async (t) => {
  const { reporter, stored, notices, clock } = await setUp(t);
  reporter.report(makeReport({}, 'ops@example.com'));
  reporter.report(makeReport({}, 'ops@example.com'));
  await until('the notice is out', () => notices.length === 1);
  await clock.advance(HOUR_MS);
  reporter.report(makeReport({}, 'ops@example.com'));
  await turn();
  reporter.report(makeReport({ dedupKey: 'another' }, 'ops@example.com'));
  await until('the other one is stored', async () => (await stored()).length === 2);
  await until('so is its notice out', () => notices.length === 2);
});

test('while the store refuses, reports wait; afterwards each is stored once, as it was made', async (t) => {
  const { reporter, stored, engine, clock, notices } = await setUp(t);
  engine.fail();
  reporter.report(makeReport({}, 'ops@example.com'));
  await clock.advance(HOUR_MS);
  reporter.report(makeReport({ dedupKey: 'another' }, 'ops@example.com'));
  await clock.advance(5_000);
  assert.deepEqual(notices, []);
  engine.recover();
  await clock.advance(1_000);
  await until('both are stored', async () => (await stored()).length === 2);
  await until('both notices are out', () => notices.length === 2);
  const times = (await stored()).map(({ body }) => JSON.parse(body).timestamp);
  assert.deepEqual(times, ['2026-11-20T10:00:00.000Z', '2026-11-20T11:00:00.000Z']);
  assert.equal(clock.nextAtMs(), null);
});

test('what waits is given up by a stop', async (t) => {
  const { reporter, engine, clock, appended, stored } = await setUp(t);
  engine.fail();
  reporter.report(makeReport());
  await clock.advance(0);
  reporter.stop();
  await clock.advance(HOUR_MS);
  assert.equal(clock.nextAtMs(), null);
  const tries = appended.length;
  engine.recover();
  await clock.advance(HOUR_MS);
  assert.equal(appended.length, tries);
  assert.deepEqual(await stored(), []);
});

test('without an address nobody is written to', async (t) => {
  const { reporter, stored, notices } = await setUp(t);
  reporter.report(makeReport());
  await until('it is stored', async () => (await stored()).length === 1);
  await turn();
  assert.deepEqual(notices, []);
});

test('of thousands that are given up the owner hears once a day, of each endpoint', async (t) => {
  const { reporter, stored, notices, clock } = await setUp(t);
  let count = 0;
  const report = async (noticesThen: number, id?: string): Promise<void> => {
    reporter.report(exhausted(`evt_${++count}`, 'ops@example.com', id));
    await until('it is stored', async () => (await stored()).length === count);
    await until('the notices are out', () => notices.length >= noticesThen);
    await turn();
    assert.equal(notices.length, noticesThen);
  };
  for (let i = 0; i < 5; i++) await report(1);
  await report(2, 'ep_2');
  await clock.advance(24 * HOUR_MS - 1);
  await report(2);
  await clock.advance(1);
  await report(3);
  // What else happens to the endpoint is told all the same.
  reporter.report(makeReport({}, 'ops@example.com'));
  await until('the other notice is out', () => notices.length === 4);
});

test('a notice that was not accepted does not use up the day', async (t) => {
  const { reporter, stored, notices, refuseMail } = await setUp(t);
  refuseMail(new Error('The mail room is full.'));
  reporter.report(exhausted('evt_1', 'ops@example.com'));
  await until('it is stored', async () => (await stored()).length === 1);
  await turn();
  refuseMail(null);
  reporter.report(exhausted('evt_2', 'ops@example.com'));
  await until('the notice is out', () => notices.length === 1);
});

test('that a webhook about a notice is dead is no other notice: its webhooks would be dead as well', async (t) => {
  const { reporter, notices, stored } = await setUp(t);
  const report = exhausted('evt_1', 'ops@example.com');
  reporter.report({ ...report, data: { ...report.data, tags: ['posthorn-notice'] } });
  reporter.report(exhausted('evt_2', 'ops@example.com'));
  await until('both are stored', async () => (await stored()).length === 2);
  await until('one notice is out', () => notices.length > 0);
  assert.deepEqual(
    notices.map(({ text }) => text.match(/evt_\d/)?.[0]),
    ['evt_2'],
  );
});

test('a notice says what happened, to what, why, and what to do', async (t) => {
  const { reporter, notices } = await setUp(t);
  reporter.report(makeReport({}, 'ops@example.com'));
  await until('the notice is out', () => notices.length === 1);
  assert.deepEqual(notices[0], {
    projectId: 'prj_1',
    to: 'ops@example.com',
    subject: '[Posthorn] Webhook endpoint failing, 50% of its patience used: Orders',
    text: [
      'Webhook endpoint failing, 50% of its patience used.',
      '',
      'Endpoint: https://app.example.com/hook',
      'Id: ep_1',
      'Failing since: 2026-11-20T10:00:00.000Z',
      'Last error: The endpoint answered 500.',
      '',
      'At 100% it is disabled. Events wait meanwhile and are delivered when it answers with 2xx again.',
      '',
    ].join('\n'),
  });
});

test('each kind of notice has its own headline and advice', () => {
  const write = (type: EventType) => writeNotice(makeReport({ type }));
  assert.match(write('endpoint.disabled').subject, /endpoint disabled: Orders/);
  assert.match(write('endpoint.disabled').text, /status "enabled"/);
  assert.match(write('endpoint.recovered').subject, /works again/);
  const dead = writeNotice(exhausted('evt_7', null));
  assert.match(dead.subject, /could not be delivered: Orders/);
  assert.match(
    dead.text,
    /Event: email\.bounced evt_7\nAttempts: 10\nLast error: The endpoint answered 500\./,
  );
});

test('an endpoint without a description goes by its URL', () => {
  const report = makeReport();
  const endpoint = { ...report.endpoint, description: '' };
  assert.match(writeNotice({ ...report, endpoint }).subject, /used: https:\/\/app\.example\.com/);
});
