import assert from 'node:assert/strict';
import test from 'node:test';
import type { EventData } from '@posthorn/sdk';
import fc from 'fast-check';
import { dedupKeyOf, dedupKeyOfReport } from './dedup-key.ts';

const DATA: EventData = {
  provider: 'sendgrid',
  source: 'src',
  provider_type: 'click',
  provider_event_id: 'sg-1',
  message: { id: 'msg_1', subject: 'Hi' },
  recipient: 'anna@b.test',
  engagement: { url: 'https://shop.test/a', ip: '203.0.113.9' },
};
const CLICK = {
  id: null,
  type: 'email.clicked',
  timestamp: '2026-01-01T10:00:00.000Z',
  data: DATA,
} as const;

test('the same report twice has the same key, in whatever order its fields come', () => {
  const reversed = Object.fromEntries(Object.entries(DATA).reverse());
  const again = { ...structuredClone(CLICK), data: reversed };
  assert.equal(dedupKeyOf(again), dedupKeyOf(CLICK));
});

test('what the report says beside, and how it writes the time, makes no difference', () => {
  const key = dedupKeyOf(CLICK);
  const beside = {
    ...DATA,
    tags: ['x'],
    raw: { anything: 1 },
    received_at: '2026-01-02T00:00:00Z',
  };
  assert.equal(dedupKeyOf({ ...CLICK, data: beside }), key);
  assert.equal(dedupKeyOf({ ...CLICK, timestamp: '2026-01-01T11:00:00+01:00' }), key);
});

test('anything that makes it another event makes it another key', () => {
  const others = [
    { ...CLICK, timestamp: '2026-01-01T10:00:00.001Z' },
    { ...CLICK, data: { ...DATA, engagement: { url: 'https://shop.test/b' } } },
    { ...CLICK, data: { ...DATA, recipient: 'bert@b.test' } },
    { ...CLICK, data: { ...DATA, message: { id: 'msg_2' } } },
    { ...CLICK, data: { ...DATA, provider: 'postmark' } },
    { ...CLICK, data: { ...DATA, source: 'other' } },
    { ...CLICK, data: { ...DATA, provider_type: 'open' } },
    { ...CLICK, data: { ...DATA, provider_event_id: 'sg-2' } },
    { ...CLICK, data: { ...DATA, delivery: { attempt: 2 } } },
    { ...CLICK, id: 'evt_1' },
  ];
  const keys = new Set([CLICK, ...others].map(dedupKeyOf));
  assert.equal(keys.size, others.length + 1);
});

test('without a provider type, our own type tells events apart', () => {
  const { provider_type: _, ...data } = DATA;
  const click = dedupKeyOf({ ...CLICK, data });
  assert.notEqual(dedupKeyOf({ ...CLICK, type: 'email.opened', data }), click);
});

test('an id decides alone', () => {
  const one = { ...CLICK, id: 'evt_1' };
  const same = { ...one, timestamp: '2027-01-01T00:00:00Z', data: {} };
  assert.equal(dedupKeyOf(same), dedupKeyOf(one));
});

test('fields do not run into each other', () => {
  const text = fc.string({ maxLength: 6 });
  fc.assert(
    fc.property(text, text, text, text, (a, b, c, d) => {
      fc.pre(a !== c || b !== d);
      const keyOf = (source: string, recipient: string) =>
        dedupKeyOf({ ...CLICK, data: { ...DATA, source, recipient } });
      assert.notEqual(keyOf(a, b), keyOf(c, d));
    }),
  );
});

test('of a report the parts of its provider decide, within its source', () => {
  const report = { sourceId: 'src_1', id: null, parts: ['click', 'msg', null, 1] };
  const key = dedupKeyOfReport(report);
  assert.equal(dedupKeyOfReport({ ...report, parts: [...report.parts] }), key);
  const others = [
    { ...report, sourceId: 'src_2' },
    { ...report, parts: ['click', 'msg', 1, null] },
    { ...report, parts: ['click', 'msg', null, '1'] },
    { ...report, parts: ['click', 'msg', null] },
  ];
  const keys = new Set(others.map(dedupKeyOfReport));
  assert.equal(keys.size, others.length);
  assert.ok(!keys.has(key));
  assert.equal(dedupKeyOfReport({ ...report, id: 'evt_1' }), 'id:evt_1');
});
