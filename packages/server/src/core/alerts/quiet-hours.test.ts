import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { explainQuietHours, type QuietHours, quietUntil, WEEKDAYS } from './quiet-hours.ts';

const hours = (fields: Partial<QuietHours> = {}): QuietHours => ({
  timeZone: 'Europe/Berlin',
  from: '22:00',
  to: '07:00',
  days: WEEKDAYS,
  ...fields,
});
const WEEKEND = hours({ from: '00:00', to: '24:00', days: ['sat', 'sun'] });
const FRIDAY_NIGHT = hours({ days: ['fri'] });

const CASES: [what: string, quiet: QuietHours, now: string, until: string | null][] = [
  ['before they begin', hours(), '2026-11-20T20:59:59Z', null],
  ['from their first moment on', hours(), '2026-11-20T21:00:00Z', '2026-11-21T06:00:00Z'],
  ['over midnight', hours(), '2026-11-21T03:30:00Z', '2026-11-21T06:00:00Z'],
  ['not at their end', hours(), '2026-11-21T06:00:00Z', null],
  [
    'within a day',
    hours({ from: '12:00', to: '13:30', timeZone: 'UTC' }),
    '2026-11-20T13:29:59Z',
    '2026-11-20T13:30:00Z',
  ],
  // 29 March 2026: 02:00 is 03:00 in Berlin, and 07:00 is an hour earlier by UTC.
  ['in the short night', hours(), '2026-03-28T21:30:00Z', '2026-03-29T05:00:00Z'],
  // 25 October 2026: 03:00 is 02:00 once more.
  ['in the long night', hours(), '2026-10-24T20:30:00Z', '2026-10-25T06:00:00Z'],
  [
    'whose end is in the hour that is skipped',
    hours({ to: '02:30' }),
    '2026-03-29T00:15:00Z',
    '2026-03-29T01:00:00Z',
  ],
  [
    'whose end is in the hour that comes twice',
    hours({ to: '02:30' }),
    '2026-10-24T23:00:00Z',
    '2026-10-25T00:30:00Z',
  ],
  ['of a weekend, from Saturday on', WEEKEND, '2026-11-20T23:30:00Z', '2026-11-22T23:00:00Z'],
  ['of a weekend, not on Friday', WEEKEND, '2026-11-20T22:30:00Z', null],
  ['that begin on Fridays alone', FRIDAY_NIGHT, '2026-11-21T05:00:00Z', '2026-11-21T06:00:00Z'],
  ['and on no other day', FRIDAY_NIGHT, '2026-11-21T22:00:00Z', null],
  [
    'where clocks differ by half hours',
    hours({ timeZone: 'Asia/Kolkata', from: '23:00', to: '06:15' }),
    '2026-11-20T18:00:00Z',
    '2026-11-21T00:45:00Z',
  ],
  [
    'where clocks are put half an hour on',
    hours({ timeZone: 'Australia/Lord_Howe', from: '20:00', to: '08:00' }),
    '2026-10-03T12:00:00Z',
    '2026-10-03T21:00:00Z',
  ],
];

for (const [what, quiet, now, until] of CASES) {
  test(`quiet hours ${what}`, () => {
    const found = quietUntil(quiet, Date.parse(now));
    assert.equal(found, until === null ? null : Date.parse(until));
  });
}

test('when they are over nobody is quiet any more, in any zone at any time', () => {
  const time = fc
    .integer({ min: 0, max: 1_439 })
    .map(
      (m) => `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`,
    );
  const quiet = fc.record({
    timeZone: fc.constantFrom('Europe/Berlin', 'America/St_Johns', 'Pacific/Chatham', 'UTC'),
    from: time,
    to: time,
    days: fc.subarray([...WEEKDAYS], { minLength: 1 }),
  });
  const at = fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 0) });
  fc.assert(
    fc.property(quiet, at, (given, nowMs) => {
      if (explainQuietHours(given) !== null) return;
      const until = quietUntil(given, nowMs);
      if (until === null) return;
      assert.ok(until > nowMs);
      assert.equal(quietUntil(given, until), null);
      assert.notEqual(quietUntil(given, until - 1), null);
    }),
    { numRuns: 60 },
  );
});

test('those that make no sense are refused, with the field', () => {
  const fieldOf = (fields: Partial<QuietHours>) => explainQuietHours(hours(fields))?.field ?? null;
  assert.equal(fieldOf({}), null);
  assert.equal(fieldOf({ timeZone: 'Berlin' }), 'time_zone');
  assert.equal(fieldOf({ to: '22:00' }), 'to');
  assert.equal(fieldOf({ days: [] }), 'days');
  assert.equal(fieldOf({ from: '00:00', to: '24:00' }), 'days');
  assert.equal(fieldOf({ from: '00:00', to: '24:00', days: ['sun'] }), null);
});
