import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertReading } from './alert-rule.ts';
import { ALERT_TYPE_NAMES, type AlertType, entryOf } from './alert-types.ts';
import { checkRule } from './check-rule.ts';
import { DEFAULT_RULES, defaultSettings, usualResolveBelow } from './new-rule.ts';
import { sayAge, saySeconds, sayShare } from './say-numbers.ts';
import { sayReading, sayRule } from './say-rule.ts';

const ruleOf = (type: AlertType, fields: object = {}) => ({
  ...defaultSettings(type),
  name: 'A rule',
  type,
  isEnabled: true,
  ...fields,
});

test('every default, and every type as it comes, is a rule that can fire', () => {
  for (const type of ALERT_TYPE_NAMES) assert.deepEqual(checkRule(ruleOf(type)), [], type);
  for (const { name, type, settings } of DEFAULT_RULES) {
    assert.deepEqual(checkRule(ruleOf(type, settings)), [], name);
  }
});

test('every type has a sentence of its own, with its numbers', () => {
  const sentences = ALERT_TYPE_NAMES.map((type) => sayRule(ruleOf(type)));
  assert.equal(new Set(sentences).size, ALERT_TYPE_NAMES.length);
  for (const sentence of sentences) {
    assert.match(sentence, /^Fires when .+\. Resolves when .+\. Tells nobody by itself\.$/);
    assert.doesNotMatch(sentence, /undefined|null|NaN| {2}/);
  }
});

test('a rule says when it fires and resolves, whom it tells and what it does', () => {
  const rule = ruleOf('bounce_rate', {
    scope: { stream: 'broadcast', receiving_domain: 'gmail.com' },
    repeatMs: 3_600_000,
    quietHours: { timeZone: 'Europe/Berlin', from: '22:00', to: '07:00', days: ['mon'] },
    to: { sinks: ['snk_1'], emails: ['a@example.com', 'b@example.com'] },
    actions: [{ type: 'hold_stream', stream: 'broadcast' }],
  });
  assert.equal(
    sayRule(rule),
    'Fires when 5% or more of the messages of the stream broadcast to gmail.com bounce within 1 hour, of at least 100. ' +
      'Resolves when it stays below 4% for 10 minutes. ' +
      'Tells 1 sink, a@example.com and b@example.com, and again every hour, from 22:00 to 07:00 (Europe/Berlin) only afterwards. ' +
      'Holds mail of the stream broadcast for review.',
  );
});

test('the lower line of a queue is a whole number, and above 0', () => {
  const lines = [1_000, 3, 1].map((line) => usualResolveBelow('mail_queue_depth', line));
  assert.deepEqual(lines, [800, 3, 1]);
});

test('every type says what it has found', () => {
  for (const type of ALERT_TYPE_NAMES) {
    const { about, unit } = entryOf(type);
    const subject = about === 'project' ? null : { kind: about, id: 'x', name: 'The thing' };
    const value = unit === 'share' ? 0.5 : 7_300;
    const reading: AlertReading = { subject, value, volume: 200, part: 100, threshold: 1 };
    const said = sayReading(ruleOf(type), { ...reading, value });
    assert.match(said, /the line is (100%|1|1 second)\.$/);
    assert.match(said, unit === 'share' ? /50%/ : unit === 'count' ? /7,300/ : /2 hours/);
    if (subject !== null) assert.match(said, /The thing/);
    assert.doesNotMatch(said, /undefined|null|NaN| {2}/);
  }
});

test('numbers are as a person says them', () => {
  assert.deepEqual([0.05, 0.073, 0.001, 0.00103, 0.125, 1].map(sayShare), [
    '5%',
    '7.3%',
    '0.1%',
    '0.1%',
    '13%',
    '100%',
  ]);
  assert.deepEqual([60, 3_600, 5_400, 86_400, 90].map(saySeconds), [
    '1 minute',
    '1 hour',
    '90 minutes',
    '1 day',
    '90 seconds',
  ]);
  assert.deepEqual([1, 90, 312, 7_300, 200_000].map(sayAge), [
    '1 second',
    '90 seconds',
    '5 minutes',
    '2 hours',
    '2 days',
  ]);
});

test('what can never fire is refused, with the field', () => {
  const pointers = (type: AlertType, fields: object) =>
    checkRule(ruleOf(type, fields)).map(({ pointer }) => pointer);
  assert.deepEqual(pointers('bounce_rate', { threshold: 5, resolveBelow: 4 }), ['/threshold']);
  assert.deepEqual(pointers('bounce_rate', { threshold: 0, resolveBelow: null }), ['/threshold']);
  assert.deepEqual(pointers('bounce_rate', { threshold: -1 }), ['/threshold']);
  assert.deepEqual(pointers('bounce_rate', { minVolume: 1e10 }), ['/min_volume']);
  assert.deepEqual(pointers('bounce_rate', { threshold: null, resolveBelow: null }), [
    '/threshold',
  ]);
  assert.deepEqual(pointers('bounce_rate', { resolveBelow: 0.06 }), ['/resolve_below']);
  assert.deepEqual(pointers('bounce_rate', { resolveBelow: 0 }), ['/resolve_below']);
  assert.deepEqual(pointers('bounce_rate', { minVolume: 0 }), ['/min_volume']);
  assert.deepEqual(pointers('bounce_rate', { windowMs: 91 * 86_400_000 }), ['/window_seconds']);
  assert.deepEqual(pointers('queue_depth', { windowMs: 60_000 }), ['/window_seconds']);
  assert.deepEqual(pointers('complaints', { minVolume: 10 }), ['/min_volume']);
  assert.deepEqual(pointers('complaints', { threshold: 1.5 }), ['/threshold']);
  assert.deepEqual(pointers('source_silent', { resolveBelow: 5 }), ['/resolve_below']);
  assert.deepEqual(pointers('volume_drop', { scope: { tag: 'a', provider: 'ses' } }), [
    '/scope/provider',
  ]);
  const twice = [{ type: 'suppress' }, { type: 'suppress' }];
  assert.deepEqual(pointers('complaints', { actions: twice }), ['/actions/1']);
  assert.deepEqual(pointers('complaints', { repeatMs: 300_000 }), ['/repeat_seconds']);
});
