import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeAttemptTrace } from '../../core/webhooks/attempt-trace.ts';
import { ExpressionError, type ExpressionFault } from '../../lib/expression/evaluator.ts';
import { until } from '../../lib/fixtures/test-clock.ts';
import { answered, failedWith } from '../fixtures/fake-post-client.ts';
import { makeLiveEndpoint, PROJECT } from '../fixtures/make-endpoint.ts';
import { setUpDispatcher } from '../fixtures/set-up-dispatcher.ts';
import type { Poster } from '../poster/poster.ts';
import type { EvaluateText } from './transform-unit.ts';
import { createTransformingPoster } from './transforming-poster.ts';

const BATCH = { maxEvents: 3, maxWaitMs: 2_000, eventTypes: null };

/** Says of which type an event was; opens come to nothing, clicks fail, complaints take too long. */
const evaluateText: EvaluateText = async (expression, json) => {
  const { type } = JSON.parse(json);
  if (type === 'email.opened') return undefined;
  if (type === 'email.clicked') throw new ExpressionError('expression', 'It has no link.');
  if (type === 'email.complained') throw new ExpressionError('limit', 'It did not end.');
  return JSON.stringify({ [expression]: type });
};

test('what the expression makes is posted and signed, and the attempt says by which version', async (t) => {
  const system = await setUpDispatcher(t, { evaluateText });
  await system.addEndpoint({ version: 4, settings: { transformation: 'was' } });
  const ids = await system.append(1);
  await system.untilAll('delivered');
  assert.deepEqual(
    system.client.posts.map(({ body }) => body),
    ['{"was":"email.delivered"}'],
  );
  const [attempt] = await system.store.deliveries.attempts(PROJECT, ids);
  assert.equal(decodeAttemptTrace(attempt?.trace ?? '').transformedBy, 4);
});

test('nothing is skipped, a failure is dead and told of, and neither keeps the others or the endpoint', async (t) => {
  const system = await setUpDispatcher(t, { evaluateText });
  await system.addEndpoint({ settings: { transformation: 'was', order: 'per-endpoint' } });
  await system.append(10, 'email.clicked');
  await system.append(2, 'email.opened');
  await system.append(1);
  await until('all have ended', async () => (await system.states())['pending'] === undefined);
  assert.deepEqual(await system.states(), { dead: 10, skipped: 2, delivered: 1 });
  assert.equal(system.client.posts.length, 1);
  const told = system.reports.filter(({ type }) => type === 'delivery.exhausted');
  assert.equal(told.length, 10);
  const [first] = await system.deliveries();
  assert.equal(first?.last_error, 'transformation_failed');
});

test('what takes too long comes again, and in order nothing overtakes it', async (t) => {
  const system = await setUpDispatcher(t, { evaluateText });
  const { projectId, id } = await system.addEndpoint({
    settings: { transformation: 'was', order: 'per-endpoint', batch: BATCH },
  });
  await system.appendEvents([{ type: 'email.complained' }, {}, {}]);
  await until('it was tried', async () => {
    await system.clock.advance(2_000);
    return (await system.deliveries())[0]?.last_error === 'transformation_limit';
  });
  assert.equal(system.client.posts.length, 0);
  assert.ok((await system.deliveries()).every(({ state }) => state === 'pending'));
  const record = system.directory.find(projectId, id)?.record;
  assert.ok(record);
  const settings = { ...record.settings, transformation: null };
  await system.changeEndpoint(record, { settings });
  await until('it is posted', async () => {
    await system.clock.advance(60_000);
    return (await system.states())['delivered'] === 3;
  });
});

test('a batch goes without what comes to nothing or fails, and a failed post is that of the others', async (t) => {
  const system = await setUpDispatcher(t, { evaluateText });
  await system.addEndpoint({ settings: { transformation: 'was', batch: BATCH } });
  let answers = [answered(500), answered(200)];
  system.client.answer = () => answers.shift() ?? answered(200);
  await system.appendEvents([
    { type: 'email.opened' },
    { type: 'email.clicked' },
    { type: 'email.bounced' },
  ]);
  await until('the first try is over', () => system.client.posts.length === 1);
  await until('it is known', async () => (await system.states())['skipped'] === 1);
  assert.equal(system.client.posts[0]?.body, '[{"was":"email.bounced"}]');
  await until('it is tried again', async () => {
    await system.clock.advance(60_000);
    return (await system.states())['delivered'] === 1;
  });
  assert.deepEqual(await system.states(), { skipped: 1, dead: 1, delivered: 1 });
  answers = [];
});

test('a failure of ours is tried again, and a stop drops nothing', async () => {
  const endpoint = await makeLiveEndpoint({ settings: { transformation: 'was' } });
  const unit = {
    deliveries: [{ eventId: 'evt_1', body: '{"type":"email.delivered","data":{}}' }],
    groups: null,
    isBatch: false,
  };
  const inner: Poster = { post: async () => assert.fail(), forget() {}, close: async () => {} };
  const fail = (fault: ExpressionFault) => async (): Promise<never> => {
    throw new ExpressionError(fault, 'It broke off.');
  };
  const evaluator = { evaluateText: fail('ours'), close() {} };
  const poster = createTransformingPoster(inner, { evaluator, now: () => 1 });
  const codeOf = async () => (await poster.post(endpoint, unit, 1)).result.errorCode;
  assert.equal(await codeOf(), failedWith('local_error').errorCode);
  const pending = codeOf();
  await poster.close();
  assert.equal(await pending, 'aborted');
});
