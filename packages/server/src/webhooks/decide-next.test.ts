import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { STANDARD_WEBHOOKS_LADDER_MS } from '../core/retry-schedule.ts';
import { decideNext } from './decide-next.ts';
import { answered, failedWith } from './fixtures/fake-post-client.ts';
import type { PostErrorCode } from './post/post-errors.ts';
import type { PostResult } from './post/post-result.ts';

function decide(result: PostResult, failures: number) {
  return decideNext({
    result,
    failures,
    ladderMs: [5_000, 60_000],
    nowMs: 1_000,
    retryAfterMs: null,
    random: 0.5,
  });
}

test('a success is delivered, however many failures came before', () => {
  assert.deepEqual(decide(answered(200), 0), { kind: 'delivered' });
  assert.deepEqual(decide(answered(204), 9), { kind: 'delivered' });
});

test('410 ends the delivery and disables the endpoint, on the first attempt too', () => {
  assert.deepEqual(decide(answered(410), 0), { kind: 'dead', disableEndpoint: true });
});

test('a failure climbs one rung, and after the last rung the delivery is dead', () => {
  assert.deepEqual(decide(answered(500), 0), { kind: 'retry', dueAtMs: 6_000 });
  assert.deepEqual(decide(answered(500), 1), { kind: 'retry', dueAtMs: 61_000 });
  assert.deepEqual(decide(answered(500), 2), { kind: 'dead', disableEndpoint: false });
});

test('every code but gone is a failure to repeat, and no failure is ever taken for a success', () => {
  const codes: PostErrorCode[] = [
    'dns_not_found',
    'dns_error',
    'address_not_allowed',
    'connection_refused',
    'connection_reset',
    'connection_closed',
    'host_unreachable',
    'tls_error',
    'timeout',
    'redirect',
    'http_status',
    'invalid_response',
  ];
  for (const code of codes) assert.equal(decide(failedWith(code), 0).kind, 'retry', code);
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
        const step = decideNext({ ...input, result: answered(500), ladderMs });
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
