import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { STANDARD_WEBHOOKS_LADDER_MS } from '../core/retry-schedule.ts';
import { decideNext } from './decide-next.ts';
import { answered, failedWith } from './fixtures/fake-post-client.ts';
import { POST_ERRORS, type PostErrorCode } from './post/post-errors.ts';
import type { PostResult } from './post/post-result.ts';

type Input = Parameters<typeof decideNext>[0];

function decide(result: PostResult, failures: number, more: Partial<Input> = {}) {
  return decideNext({
    result,
    attempts: failures,
    failures,
    ladderMs: [5_000, 100_000],
    nowMs: 1_000,
    retryAfterMs: null,
    random: 0.5,
    probeAtMs: null,
    wasProbe: false,
    ...more,
  });
}

const CODES = Object.keys(POST_ERRORS) as PostErrorCode[];
/** No try can change these. */
const NEVER_POSTED: ReadonlySet<PostErrorCode> = new Set([
  'not_in_dialect',
  'transformation_failed',
  'transformed_to_nothing',
]);
const OURS = CODES.filter((code) => POST_ERRORS[code].fault === 'ours');

test('a success is delivered, however many failures came before', () => {
  assert.deepEqual(decide(answered(200), 0), { kind: 'delivered' });
  assert.deepEqual(decide(answered(204), 9), { kind: 'delivered' });
});

test('410 ends the delivery and disables the endpoint, on the first attempt too', () => {
  assert.deepEqual(decide(answered(410), 0), { kind: 'dead', disableEndpoint: true });
});

test('what the dialect has no word for ends the delivery, and the endpoint goes on', () => {
  assert.deepEqual(decide(failedWith('not_in_dialect'), 0), {
    kind: 'dead',
    disableEndpoint: false,
  });
});

test('a failure climbs one rung, and after the last rung the delivery is dead', () => {
  assert.deepEqual(decide(answered(500), 0), { kind: 'retry', dueAtMs: 6_000, counts: true });
  assert.deepEqual(decide(answered(500), 1), { kind: 'retry', dueAtMs: 101_000, counts: true });
  assert.deepEqual(decide(answered(500), 2), { kind: 'dead', disableEndpoint: false });
});

test('what no try can change ends at once, every other code is repeated, and none is a success', () => {
  for (const code of CODES) {
    const isFinal = code === 'gone' || NEVER_POSTED.has(code);
    const ended = code === 'transformed_to_nothing' ? 'skipped' : 'dead';
    assert.equal(decide(failedWith(code), 0).kind, isFinal ? ended : 'retry', code);
  }
});

test('a fault of ours uses up nothing, however often it comes, and is tried again soon at first', () => {
  assert.ok(OURS.includes('dns_error') && !OURS.includes('dns_not_found'));
  for (const code of OURS.filter((one) => !NEVER_POSTED.has(one))) {
    const step = decide(failedWith(code), 7);
    assert.deepEqual(step, { kind: 'retry', dueAtMs: 31_000, counts: false }, code);
  }
  const dueAtMs = (random: number) => {
    const step = decide(failedWith('dns_error'), 0, { random });
    return step.kind === 'retry' ? step.dueAtMs : null;
  };
  assert.deepEqual([dueAtMs(0), dueAtMs(0.999_999)], [25_000, 37_000]);
  const waits = [0, 1, 2, 6, 7, 100].map((ours) => {
    const step = decide(failedWith('dns_error'), 7, { attempts: 7 + ours });
    return step.kind === 'retry' ? step.dueAtMs - 1_000 : null;
  });
  assert.deepEqual(waits, [30_000, 60_000, 120_000, 1_920_000, 3_600_000, 3_600_000]);
});

test('a probe of an endpoint that is still down uses up nothing, and waits for the next one', () => {
  const probe = { wasProbe: true, probeAtMs: 77_000 };
  for (const failures of [0, 1, 9]) {
    const step = decide(answered(500), failures, probe);
    assert.deepEqual(step, { kind: 'retry', dueAtMs: 77_000, counts: false });
  }
  assert.deepEqual(decide(answered(200), 9, probe), { kind: 'delivered' });
  assert.equal(decide(answered(410), 0, probe).kind, 'dead');
});

test('an attempt that had begun before the breaker opened climbs as ever', () => {
  const step = decide(answered(500), 0, { probeAtMs: 77_000 });
  assert.deepEqual(step, { kind: 'retry', dueAtMs: 6_000, counts: true });
  assert.equal(decide(answered(500), 2, { probeAtMs: 77_000 }).kind, 'dead');
});

test('after 429 and after a timeout the next attempt is not before a minute has passed', () => {
  for (const result of [answered(429), failedWith('timeout')]) {
    const least = decide(result, 0, { random: 0 });
    assert.deepEqual(least, { kind: 'retry', dueAtMs: 61_000, counts: true });
    const later = decide(result, 1);
    assert.deepEqual(later, { kind: 'retry', dueAtMs: 101_000, counts: true });
    assert.equal(decide(result, 2).kind, 'dead');
  }
});

test('the next attempt lies ahead, within jitter of its rung, and never before Retry-After', () => {
  fc.assert(
    fc.property(
      fc.record({
        failures: fc.nat(12),
        nowMs: fc.nat(2_000_000_000),
        retryAfterMs: fc.option(fc.nat(86_400_000)),
        random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      }),
      (input) => {
        const ladderMs = STANDARD_WEBHOOKS_LADDER_MS;
        const step = decide(answered(500), input.failures, { ...input, ladderMs });
        const rungMs = ladderMs[input.failures];
        if (rungMs === undefined) return assert.equal(step.kind, 'dead');
        assert.ok(step.kind === 'retry');
        const waitMs = step.dueAtMs - input.nowMs;
        assert.ok(waitMs >= Math.floor(rungMs * 0.8));
        assert.ok(waitMs >= (input.retryAfterMs ?? 0));
        assert.ok(waitMs <= Math.max(Math.ceil(rungMs * 1.2), input.retryAfterMs ?? 0));
      },
    ),
  );
});
