import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertReading, AlertSubject } from './alert-rule.ts';
import { type AlertStep, decideAlert } from './decide-alert.ts';
import { simulateRule } from './simulate-rule.ts';

const RULE = { threshold: 0.05, resolveBelow: 0.04, resolveAfterMs: 600 };
const NOW_MS = 10_000;

const CASES: [
  what: string,
  open: { calmSinceMs: number | null; worstValue: number } | null,
  value: number | null,
  step: AlertStep | null,
][] = [
  ['below the line nothing fires', null, 0.0499, null],
  ['at the line it fires', null, 0.05, { kind: 'fire', value: 0.05 }],
  ['too little to say anything does not fire', null, null, null],
  ['an open one stays between the two lines', { calmSinceMs: null, worstValue: 0.06 }, 0.045, null],
  [
    'below the lower one it begins to be calm',
    { calmSinceMs: null, worstValue: 0.06 },
    0.039,
    { kind: 'calm', sinceMs: NOW_MS },
  ],
  [
    'so it does with too little to say anything',
    { calmSinceMs: null, worstValue: 0.06 },
    null,
    { kind: 'calm', sinceMs: NOW_MS },
  ],
  [
    'calm for less than it has to be, it stays open',
    { calmSinceMs: NOW_MS - 599, worstValue: 0.06 },
    0,
    null,
  ],
  [
    'calm for long enough, it resolves',
    { calmSinceMs: NOW_MS - 600, worstValue: 0.06 },
    0,
    { kind: 'resolve' },
  ],
  [
    'over the lower line again, it was not calm',
    { calmSinceMs: NOW_MS - 599, worstValue: 0.06 },
    0.04,
    { kind: 'calm', sinceMs: null },
  ],
  [
    'higher than ever is noted',
    { calmSinceMs: null, worstValue: 0.06 },
    0.07,
    { kind: 'worse', value: 0.07 },
  ],
];

for (const [what, open, value, step] of CASES) {
  test(what, () => {
    const reading = { value, threshold: RULE.threshold };
    assert.deepEqual(decideAlert(RULE, open, reading, NOW_MS), step);
  });
}

test('without a lower line it is over as soon as it is below the threshold', () => {
  const rule = { threshold: 600, resolveBelow: null, resolveAfterMs: 0 };
  const open = { calmSinceMs: null, worstValue: 700 };
  const decide = (value: number) => decideAlert(rule, open, { value, threshold: 600 }, NOW_MS);
  assert.equal(decide(600), null);
  assert.deepEqual(decide(599), { kind: 'resolve' });
});

test('what has its own threshold is held against that', () => {
  const rule = { threshold: null, resolveBelow: null, resolveAfterMs: 0 };
  assert.equal(decideAlert(rule, null, { value: 59, threshold: 60 }, NOW_MS), null);
  assert.equal(decideAlert(rule, null, { value: 60, threshold: 60 }, NOW_MS)?.kind, 'fire');
});

test('over a past each subject fires and resolves for itself', () => {
  const about = (id: string): AlertSubject => ({ kind: 'endpoint', id, name: id });
  const reading = (id: string, value: number): AlertReading => {
    return { subject: about(id), value, volume: null, part: null, threshold: RULE.threshold };
  };
  const steps = [
    { atMs: 0, readings: [reading('a', 0.06), reading('b', 0)] },
    { atMs: 300, readings: [reading('a', 0), reading('b', 0.05)] },
    { atMs: 600, readings: [reading('a', 0.05), reading('b', 0.05)] },
    { atMs: 900, readings: [reading('a', 0), reading('b', 0.09)] },
    { atMs: 1_500, readings: [reading('a', 0), reading('b', 0.04)] },
    { atMs: 1_800, readings: [reading('a', 0.5)] },
  ];
  assert.deepEqual(
    simulateRule(RULE, steps).map(({ subject, firedAtMs, resolvedAtMs }) => {
      return [subject?.id, firedAtMs, resolvedAtMs];
    }),
    [
      ['a', 0, 1_500],
      ['b', 300, null],
      ['a', 1_800, null],
    ],
  );
});
