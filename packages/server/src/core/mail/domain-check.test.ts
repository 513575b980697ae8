import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CheckedRecord, compareChecks, type DomainCheck } from './domain-check.ts';

const STATUSES = ['ok', 'missing', 'wrong', 'unknown'] as const;

function record(status: CheckedRecord['status'], purpose: 'spf' | 'dkim' = 'spf'): CheckedRecord {
  const rest = { expected: null, found: null, detail: null };
  return { purpose, name: 'a.test', type: 'TXT', required: true, status, ...rest };
}

/** What is told over a row of checks of one record. */
function tell(statuses: readonly CheckedRecord['status'][]) {
  let before: DomainCheck | null = null;
  return statuses.map((status, i) => {
    const { check, news } = compareChecks(before, [record(status)], i);
    before = check;
    return news;
  });
}

test('tells of a change for the worse and of the recovery, once each', () => {
  assert.deepEqual(tell(['ok', 'wrong', 'missing', 'wrong', 'ok', 'ok', 'missing']), [
    null,
    'dns_error',
    null,
    null,
    'dns_recovered',
    null,
    'dns_error',
  ]);
});

test('what was never right is no news, and neither is silence', () => {
  assert.deepEqual(tell(['missing', 'wrong', 'missing', 'ok']), [null, null, null, null]);
  assert.deepEqual(tell(['ok', 'unknown', 'ok', 'unknown', 'wrong', 'unknown', 'ok']), [
    null,
    null,
    null,
    null,
    'dns_error',
    null,
    'dns_recovered',
  ]);
});

test('a second record that breaks is told of too; all right again is told when both are', () => {
  const steps: [CheckedRecord['status'], CheckedRecord['status']][] = [
    ['ok', 'ok'],
    ['wrong', 'ok'],
    ['wrong', 'missing'],
    ['ok', 'missing'],
    ['ok', 'ok'],
  ];
  let before: DomainCheck | null = null;
  const told = steps.map(([spf, dkim], i) => {
    const { check, news } = compareChecks(before, [record(spf), record(dkim, 'dkim')], i);
    before = check;
    return [news, check.failingSinceMs];
  });
  assert.deepEqual(told, [
    [null, null],
    ['dns_error', 1],
    ['dns_error', 1],
    [null, 1],
    ['dns_recovered', null],
  ]);
});

test('errors and recoveries take turns, whatever DNS says', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...STATUSES), { maxLength: 30 }), (statuses) => {
      const told = tell(statuses).filter((news) => news !== null);
      told.forEach((news, i) => {
        assert.equal(news, i % 2 === 0 ? 'dns_error' : 'dns_recovered');
      });
    }),
  );
});
