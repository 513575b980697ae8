import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { CanonicalEvent, EventDelivery, EventType } from '@posthorn/sdk';
import pc from 'picocolors';
import { fit, plain, widthOf } from '../output/columns.ts';
import type { AttemptView, DeliveryView, MessageView } from './demo-api.ts';
import { describeDeliveries, formatOffset, renderTimeline } from './timeline-table.ts';

const START = Date.parse('2026-11-21T16:00:00.000Z');
const noColors = pc.createColors(false);

const attempt = (number: number, status: number | null, error: string | null): AttemptView => ({
  number,
  latency_ms: 12,
  outcome: error === null ? 'succeeded' : 'failed',
  status,
  error_code: error,
});

const delivery = (...attempts: AttemptView[]): DeliveryView => ({
  id: 'dlv_1',
  endpoint_url: 'http://127.0.0.1/',
  state: attempts.at(-1)?.outcome === 'succeeded' ? 'delivered' : 'retrying',
  next_attempt_at: null,
  attempts,
});

const told = [delivery(attempt(1, 200, null))];

function entry(ms: number, type: EventType, recipient: string, mail?: EventDelivery) {
  const event: CanonicalEvent = {
    id: `evt_${ms}`,
    type,
    timestamp: new Date(START + ms).toISOString(),
    data: { recipient, ...(mail === undefined ? {} : { delivery: mail }) },
  };
  return { event, deliveries: told };
}

function message(...recipients: string[]): MessageView {
  return {
    id: 'msg_01',
    subject: 'Your order 1001',
    from: 'shop@shop.example',
    created_at: new Date(START).toISOString(),
    recipients: recipients.map((address) => ({
      address,
      kind: 'to',
      state: 'delivered',
      attempts: 1,
      next_attempt_at: null,
    })),
    timeline: recipients.flatMap((address) => [
      entry(0, 'email.accepted', address),
      entry(4_210, 'email.deferred', address, {
        smtp_code: 450,
        response: '450 4.2.0 Mailbox busy, try again later, and here is much more to be said',
      }),
      entry(65_000, 'email.delivered', address, { smtp_code: 250, response: '2.0.0 Taken' }),
    ]),
  };
}

const render = (view: MessageView, width: number, colors = noColors): string[] =>
  renderTimeline(view, { width, colors, nowMs: START });

test('shows what the mail server said and what the endpoint answered, side by side', () => {
  assert.deepEqual(render(message('defer@sandbox.test'), 100), [
    'Your order 1001 to defer@sandbox.test  ✓ delivered',
    '  msg_01',
    '     after  event        the mail server said                                  your webhook answered',
    '   0.000 s  · accepted   –                                                     ✓ 200 in 12 ms',
    '   4.210 s  … deferred   450 4.2.0 Mailbox busy, try again later, and here i…  ✓ 200 in 12 ms',
    '  1 m 05 s  ✓ delivered  250 2.0.0 Taken                                       ✓ 200 in 12 ms',
  ]);
});

test('never exceeds the width, and keeps columns aligned, with and without colours', () => {
  const view = message('one-with-a-rather-long-name@sandbox.test', 'two@sandbox.test');
  for (const colors of [noColors, pc.createColors(true)]) {
    for (const width of [20, 80, 93, 120, 240]) {
      const lines = render(view, width, colors).map(stripVTControlCharacters);
      for (const line of lines) assert.ok(widthOf(line) <= Math.max(80, width), line);
      const [, , head = '', ...rows] = lines;
      const at = head.indexOf('your webhook');
      assert.ok(at > 0);
      for (const row of rows) assert.equal(row.indexOf('✓ 200 in'), at, row);
    }
  }
});

test('names the recipient in a column only where there are several', () => {
  const alone = render(message('a@x.test'), 100).join('\n');
  assert.doesNotMatch(alone, /recipient/);
  const both = render(message('a@x.test', 'b@x.test'), 100).join('\n');
  assert.match(both, /recipient/);
  assert.match(both, /✓ 2 delivered/);
});

test('tells the attempts of a delivery in a few words', () => {
  const failed = attempt(1, 500, 'http_status');
  const closed = attempt(2, null, 'connection_closed');
  const say = (one: DeliveryView) => describeDeliveries([one], START);
  assert.equal(say(delivery(failed, attempt(2, 200, null))), '✗ 500, ✓ 200 (2nd)');
  assert.equal(say(delivery(failed, closed)), '✗ 500, ✗ closed, … under way');
  const next_attempt_at = new Date(START + 2_000).toISOString();
  assert.equal(say({ ...delivery(failed), next_attempt_at }), '✗ 500, … again in 2.000 s');
  assert.equal(say({ ...delivery(failed, failed, failed), state: 'dead' }), '✗ 500 ×3, given up');
  assert.equal(describeDeliveries([], START), '– no endpoint asked for it');
});

test('writes times from milliseconds to minutes', () => {
  assert.deepEqual([0, 12, 59_999, 185_000].map(formatOffset), [
    '0.000 s',
    '0.012 s',
    '59.999 s',
    '3 m 05 s',
  ]);
});

test('lets no reply move the cursor', () => {
  assert.equal(plain('550 \u001b[2Jno\r\n such\u0007 user'), '550 [2Jno such user');
});

test('cuts wide characters by the places they take', () => {
  assert.equal(widthOf('郵便'), 4);
  assert.equal(fit('郵便受け', 5), '郵便…');
  assert.equal(fit('short', 5), 'short');
});
