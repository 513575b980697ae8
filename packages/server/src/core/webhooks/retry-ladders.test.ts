import assert from 'node:assert/strict';
import test from 'node:test';
import { formatDuration } from '../../lib/duration.ts';
import {
  explainLadder,
  explainUnknownLadder,
  ladderOf,
  RETRY_LADDER_NAMES,
  RETRY_LADDERS,
} from './retry-ladders.ts';

const textOf = (name: string): string => (RETRY_LADDERS[name] ?? []).map(formatDuration).join(' ');

test('each preset is what its system documents', () => {
  const names = ['frontengine', 'mailgun', 'postal', 'postmark', 'resend', 'sendarix', 'ses'];
  assert.deepEqual([...RETRY_LADDER_NAMES].sort(), [...names, 'standard-webhooks']);
  assert.equal(textOf('standard-webhooks'), '5s 5m 30m 2h 5h 10h 14h 20h 1d');
  assert.equal(textOf('frontengine'), '1m 5m 30m 2h 12h');
  assert.equal(textOf('postal'), '2m 3m 6m 10m 15m');
  assert.equal(textOf('sendarix'), '30s 5m 30m 2h 5h');
  assert.equal(textOf('mailgun'), '5m 10m 15m 1h 2h 4h');
  assert.equal(textOf('postmark'), '1m 5m 15m 1m 5m 10m 10m 10m 15m');
  assert.equal(textOf('resend'), '5s 5m 30m 2h 5h 10h 10h');
  assert.equal(textOf('ses'), '20s 20s 20s');
});

test('each preset could be given as a list too', () => {
  for (const name of RETRY_LADDER_NAMES) {
    const waits = textOf(name).split(' ');
    assert.equal(explainLadder(waits), null, name);
    assert.deepEqual(ladderOf(waits, []), RETRY_LADDERS[name]);
  }
});

test('a setting gives its waits, and none gives those of the server', () => {
  assert.deepEqual(ladderOf('postal', [1]), RETRY_LADDERS['postal']);
  assert.deepEqual(ladderOf(['2s', '1.5h'], [1]), [2_000, 5_400_000]);
  assert.deepEqual(ladderOf([], [1]), []);
  assert.deepEqual(ladderOf(null, [1]), [1]);
});

test('a wait is from a second to a week', () => {
  for (const wait of ['1s', '7d', '168h', '1.5m']) assert.equal(explainLadder([wait]), null, wait);
  for (const wait of ['0', '999ms', '7.001d', 'soon', '-1s', '']) {
    const fault = explainLadder(['1m', wait]);
    assert.equal(fault?.index, 1, wait);
    assert.match(fault?.detail ?? '', /from 1s to 7d/);
  }
});

test('a ladder has at most 50 rungs and 30 days', () => {
  assert.equal(explainLadder(Array(50).fill('1s')), null);
  assert.match(explainLadder(Array(51).fill('1s'))?.detail ?? '', /50 rungs/);
  assert.equal(explainLadder(['7d', '7d', '7d', '7d', '2d']), null);
  const long = explainLadder(['7d', '7d', '7d', '7d', '2d', '1s']);
  assert.equal(long?.index, null);
  assert.match(long?.detail ?? '', /30 days in all/);
});

test('an unknown preset is told the nearest name', () => {
  assert.match(explainUnknownLadder('sendarx'), /Did you mean "sendarix"\?/);
  const far = explainUnknownLadder('something-else-entirely');
  assert.match(far, /There are: standard-webhooks, mailgun, .*sendarix;/);
  assert.doesNotMatch(far, /Did you mean/);
});
