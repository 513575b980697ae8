import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createExpressionEvaluator, ExpressionError, explainExpression } from './evaluator.ts';
import { evaluateValue } from './fixtures/evaluate-value.ts';

const evaluator = createExpressionEvaluator({ timeMs: 3_000 });
after(() => evaluator.close());

const EVENT = { type: 'email.bounced', data: { recipient: 'a@example.com', tags: ['x', 'ä'] } };

test('an expression makes something of its input, or nothing', async () => {
  const made = await evaluateValue(evaluator, '{ "to": data.recipient, "tags": data.tags }', EVENT);
  assert.deepEqual(made, { to: 'a@example.com', tags: ['x', 'ä'] });
  assert.equal(
    await evaluateValue(evaluator, 'type = "email.opened" ? $ : $nothing', EVENT),
    undefined,
  );
});

test('what fails says why, and the next one is evaluated all the same', async () => {
  const failing = evaluateValue(evaluator, '$number(data.recipient)', EVENT);
  const fine = evaluateValue(evaluator, 'type', EVENT);
  await assert.rejects(failing, { name: 'ExpressionError', fault: 'expression' });
  await assert.rejects(evaluateValue(evaluator, '{ "f": function($x) { $x } }', EVENT), {
    message: 'What it makes is not JSON: a function is in it.',
  });
  assert.equal(await fine, 'email.bounced');
});

test('what does not end, or wants all memory, ends with its process', async () => {
  const quick = createExpressionEvaluator({ timeMs: 300 });
  const endless = evaluateValue(quick, '($f := function($n) { $f($n + 1) }; $f(1))', EVENT);
  const fine = evaluateValue(quick, 'type', EVENT);
  await assert.rejects(endless, /did not end within 300 ms/);
  assert.equal(await fine, 'email.bounced');
  quick.close();
  const greedy = evaluateValue(evaluator, '$join([1..9000000].$pad("x", 1000))', EVENT);
  await assert.rejects(greedy, { name: 'ExpressionError', fault: 'limit' });
  assert.equal(await evaluateValue(evaluator, 'type', EVENT), 'email.bounced');
});

test('each expression has its turn, and what waits at the end is told so', async () => {
  const own = createExpressionEvaluator({ timeMs: 3_000, group: 2 });
  const done: string[] = [];
  const ask = async (expression: string, name: string) => {
    await own.evaluateText(expression, '{}');
    done.push(name);
  };
  const names = ['a1', 'a2', 'a3', 'a4'];
  await Promise.all([...names.map((name) => ask('1', name)), ask('2', 'b1')]);
  // The first is gone when the others come.
  assert.deepEqual(done, ['a1', 'a2', 'a3', 'b1', 'a4']);
  const waiting = own.evaluateText('3', '{}');
  own.close();
  const stopped = (error: unknown) => error instanceof ExpressionError && error.fault === 'ours';
  await assert.rejects(waiting, stopped);
  await assert.rejects(own.evaluateText('4', '{}'), stopped);
});

test('of many inputs, the one that does not end is the only one that fails', async () => {
  const quick = createExpressionEvaluator({ timeMs: 500 });
  await evaluateValue(quick, '1', {});
  const picky = '($f := function($n) { $f($n + 1) }; n = 7 ? $f(1) : n)';
  const made = await Promise.allSettled(
    Array.from({ length: 10 }, (_, n) => evaluateValue(quick, picky, { n })),
  );
  assert.deepEqual(
    made.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason))),
    [0, 1, 2, 3, 4, 5, 6, 'ExpressionError: It did not end within 500 ms.', 8, 9],
  );
  quick.close();
});

test('many that are slow, but not too slow, are all evaluated', async () => {
  // Each takes some 10 ms, so that a group has no time for all of them.
  const slow = '$count($map([1..2000], function($i) { $i * 2 })) + n';
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, n) => evaluateValue(evaluator, slow, { n })),
  );
  assert.deepEqual(
    made,
    Array.from({ length: 20 }, (_, n) => 2_000 + n),
  );
});

test('what is large goes in several groups, and all of it comes back', async () => {
  const inputs = Array.from({ length: 60 }, (_, n) => ({ n, text: 'x'.repeat(300_000) }));
  const made = await Promise.all(
    inputs.map((input) => evaluateValue(evaluator, '{ "n": n, "text": text & text }', input)),
  );
  assert.deepEqual(
    made.map((one) => (one as { n: number; text: string }).text.length),
    inputs.map(() => 600_000),
  );
});

test('what cannot be compiled says where', () => {
  assert.equal(explainExpression('data.{"a": 1}'), null);
  assert.match(explainExpression('{ "a": ') ?? '', /not JSONata.*character/);
  assert.match(explainExpression('x'.repeat(10_001)) ?? '', /10000 characters/);
});
