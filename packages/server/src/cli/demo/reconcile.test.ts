import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import type { MessageView } from './demo-api.ts';
import { isSettled, reconcile } from './reconcile.ts';
import type { ReceiverTally } from './sample-receiver.ts';

const event = (id: string, type: EventType = 'email.delivered'): CanonicalEvent => ({
  id,
  type,
  timestamp: '2026-11-21T16:00:00.000Z',
  data: { recipient: 'delivered@sandbox.test' },
});

const tallyOf = (
  events: readonly CanonicalEvent[],
  rest: Partial<ReceiverTally> = {},
): ReceiverTally => ({
  verified: new Map(events.map((one) => [one.id, one])),
  retried: new Set(['evt_1']),
  posts: events.length + 1,
  rejected: 0,
  ...rest,
});

const message = (state: string, address = 'delivered@sandbox.test'): MessageView => ({
  id: 'msg_1',
  subject: 'x',
  from: 'a@shop.example',
  created_at: '2026-11-21T16:00:00.000Z',
  recipients: [{ address, kind: 'to', state, attempts: 1, next_attempt_at: null }],
  timeline: [{ event: event('evt_1'), deliveries: [] }],
});

const log = [event('evt_2'), event('evt_1', 'email.accepted')];
const good = { sent: [{ id: 'msg_1' }], messages: [message('delivered')], log };

test('is content when all events of the log arrived', () => {
  assert.deepEqual(reconcile({ ...good, tally: tallyOf(log) }), {
    messages: 1,
    events: { 'email.accepted': 1, 'email.delivered': 1 },
    webhooks: { sent: 2, verified: 2, retried: 1 },
    missing: 0,
    ok: true,
    problems: [],
  });
});

test('names an event that did not arrive', () => {
  const report = reconcile({ ...good, tally: tallyOf(log.slice(1)) });
  assert.equal(report.missing, 1);
  assert.equal(report.ok, false);
  assert.deepEqual(report.problems, ['The event evt_2 (email.delivered) did not arrive.']);
});

const faulty: [string, Parameters<typeof reconcile>[0], RegExp][] = [
  ['an empty log', { ...good, log: [], tally: tallyOf([]) }, /log is empty/],
  ['a refused signature', { ...good, tally: tallyOf(log, { rejected: 1 }) }, /refused/],
  ['no retry', { ...good, tally: tallyOf(log, { retried: new Set() }) }, /tried again/],
  ['a stranger', { ...good, tally: tallyOf([...log, event('evt_9')]) }, /evt_9 .* not in the log/],
  [
    'a changed event',
    { ...good, tally: tallyOf([event('evt_1'), event('evt_2')]) },
    /evt_1 .* another/,
  ],
  ['a lost message', { ...good, messages: [], tally: tallyOf(log) }, /msg_1 .* not to be found/],
  [
    'an unexpected end',
    { ...good, messages: [message('bounced')], tally: tallyOf(log) },
    /is bounced for delivered@sandbox\.test, not delivered/,
  ],
  [
    'a bounce that was delivered',
    { ...good, messages: [message('delivered', 'full@sandbox.test')], tally: tallyOf(log) },
    /not bounced/,
  ],
];
for (const [name, input, problem] of faulty) {
  test(`is not content with ${name}`, () => {
    const report = reconcile(input);
    assert.equal(report.ok, false);
    assert.match(report.problems.join('\n'), problem);
  });
}

test('waits for final states and for the events of the timeline', () => {
  assert.equal(isSettled([message('delivered')], tallyOf(log)), true);
  assert.equal(isSettled([message('deferred')], tallyOf(log)), false);
  assert.equal(isSettled([message('delivered')], tallyOf([])), false);
});
