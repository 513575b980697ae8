import assert from 'node:assert/strict';
import test from 'node:test';
import { limitFor, parseDestinationLimit, parseMailRate } from './destination-limits.ts';

test('rates are read by the second, the minute and the hour', () => {
  assert.equal(parseMailRate('20/s'), 20);
  assert.equal(parseMailRate('600/m'), 10);
  assert.equal(parseMailRate('1800/h'), 0.5);
  assert.throws(() => parseMailRate('20'), /such as 20\/s/);
});

test('a limit has a name, transactions at once and perhaps a rate', () => {
  assert.deepEqual(parseDestinationLimit('Example.com=5'), {
    name: 'example.com',
    concurrency: 5,
    ratePerSecond: null,
  });
  assert.equal(parseDestinationLimit('outlook.com=20@600/m').ratePerSecond, 10);
  assert.throws(() => parseDestinationLimit('example.com'), /such as example\.com=5/);
});

test('a limit is for the domain itself, and for mail servers below its name', () => {
  const limits = [parseDestinationLimit('google.com=7'), parseDestinationLimit('example.com=3')];
  const of = (...names: string[]) => limitFor(limits, names)?.concurrency ?? null;
  assert.equal(of('example.com'), 3);
  assert.equal(of('shop.test', 'aspmx.l.google.com'), 7);
  assert.equal(of('notexample.com'), null);
  assert.equal(of('other.test'), null);
});
