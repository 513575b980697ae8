import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  JITTER,
  MAIL_LADDER_MS,
  nextMailRetry,
  nextWebhookRetry,
  parseRetryAfter,
  STANDARD_WEBHOOKS_LADDER_MS,
} from './retry-schedule.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const ladder = fc.array(fc.integer({ min: 1, max: 10 * HOUR_MS }), { minLength: 1, maxLength: 12 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const webhook = {
  ladderMs: STANDARD_WEBHOOKS_LADDER_MS,
  nowMs: NOW_MS,
  retryAfterMs: null,
  floorMs: 0,
};

test('the standard ladder waits 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, then gives up', () => {
  const waits = Array.from({ length: 10 }, (_, i) => {
    const at = nextWebhookRetry({ ...webhook, failures: i + 1, random: 0.5 });
    return at === null ? null : (at - NOW_MS) / 1_000;
  });
  assert.deepEqual(waits, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, null]);
});

test('a wait stays within the jitter around its rung', () => {
  fc.assert(
    fc.property(ladder, random, fc.nat(11), (ladderMs, chance, index) => {
      const rung = ladderMs[index % ladderMs.length] ?? 0;
      const failures = (index % ladderMs.length) + 1;
      const at = nextWebhookRetry({ ...webhook, ladderMs, failures, random: chance });
      const waitMs = (at ?? Number.NaN) - NOW_MS;
      assert.ok(waitMs >= Math.floor(rung * (1 - JITTER)), `${waitMs} for ${rung}`);
      assert.ok(waitMs <= Math.ceil(rung * (1 + JITTER)), `${waitMs} for ${rung}`);
      assert.ok(Number.isInteger(waitMs));
    }),
  );
});

test('a ladder ends after its last rung, whatever Retry-After says', () => {
  fc.assert(
    fc.property(ladder, random, fc.nat(20), (ladderMs, chance, more) => {
      const failures = ladderMs.length + 1 + more;
      const input = { ...webhook, ladderMs, failures, retryAfterMs: 60_000, random: chance };
      assert.equal(nextWebhookRetry(input), null);
    }),
  );
});

test('Retry-After only lengthens a wait, up to the longest rung or an hour', () => {
  const asked = fc.integer({ min: 0, max: 10_000_000_000 });
  fc.assert(
    fc.property(ladder, random, asked, fc.nat(11), (ladderMs, chance, retryAfterMs, index) => {
      const failures = (index % ladderMs.length) + 1;
      const input = { ...webhook, ladderMs, failures, random: chance };
      const plain = nextWebhookRetry(input) ?? Number.NaN;
      const at = nextWebhookRetry({ ...input, retryAfterMs }) ?? Number.NaN;
      const capMs = Math.max(HOUR_MS, ...ladderMs);
      assert.equal(at, Math.max(plain, NOW_MS + Math.min(retryAfterMs, capMs)));
    }),
  );
});

test('a floor lengthens short rungs, and what has to wait for it is spread above it', () => {
  const floorMs = fc.integer({ min: 0, max: HOUR_MS });
  fc.assert(
    fc.property(ladder, random, floorMs, fc.nat(11), (ladderMs, chance, leastMs, index) => {
      const failures = (index % ladderMs.length) + 1;
      const input = { ...webhook, ladderMs, failures, random: chance };
      const plain = nextWebhookRetry(input) ?? Number.NaN;
      const at = nextWebhookRetry({ ...input, floorMs: leastMs }) ?? Number.NaN;
      assert.ok(at - NOW_MS >= leastMs);
      assert.equal(at, Math.max(plain, NOW_MS + Math.round(leastMs * (1 + JITTER * chance))));
    }),
  );
});

test('a floor does not prolong a ladder that has ended', () => {
  const failures = STANDARD_WEBHOOKS_LADDER_MS.length + 1;
  assert.equal(nextWebhookRetry({ ...webhook, failures, floorMs: 60_000, random: 0.5 }), null);
});

test('mail repeats its last rung until it expires, with a last try on the expiry itself', () => {
  const expiresAtMs = NOW_MS + 5 * 24 * HOUR_MS;
  const tries: number[] = [];
  let nowMs = NOW_MS;
  for (let failures = 1; failures < 1_000; failures++) {
    const input = { ladderMs: MAIL_LADDER_MS, failures, nowMs, expiresAtMs, random: 0.5 };
    const at = nextMailRetry(input);
    if (at === null) break;
    tries.push(at);
    nowMs = at;
  }
  assert.equal(tries[0], NOW_MS + 60_000);
  assert.equal(tries.at(-1), expiresAtMs);
  const [before, beforeThat] = [tries.at(-2) ?? 0, tries.at(-3) ?? 0];
  assert.equal(before - beforeThat, 4 * HOUR_MS);
  assert.ok(tries.length < 50);
});

test('mail is never tried after it expired, and always in the future before', () => {
  fc.assert(
    fc.property(
      ladder,
      random,
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: -HOUR_MS, max: 50 * HOUR_MS }),
      (ladderMs, chance, failures, leftMs) => {
        const expiresAtMs = NOW_MS + leftMs;
        const at = nextMailRetry({
          ladderMs,
          failures,
          nowMs: NOW_MS,
          expiresAtMs,
          random: chance,
        });
        if (leftMs <= 0) assert.equal(at, null);
        else assert.ok(at !== null && at >= NOW_MS && at <= expiresAtMs);
      },
    ),
  );
});

test('Retry-After is read as seconds or as an HTTP date, and nothing else (RFC 9110 10.2.3)', () => {
  const at = new Date(NOW_MS + 90_000).toUTCString();
  assert.equal(parseRetryAfter('120', NOW_MS), 120_000);
  assert.equal(parseRetryAfter(' 0 ', NOW_MS), 0);
  assert.equal(parseRetryAfter(at, NOW_MS), 90_000);
  assert.equal(parseRetryAfter(at, NOW_MS + HOUR_MS), 0);
  for (const text of [
    '',
    '-1',
    '1.5',
    '1e9',
    '99999999999',
    'soon',
    '2026-01-01',
    'Mon, nonsense',
  ]) {
    assert.equal(parseRetryAfter(text, NOW_MS), null, text);
  }
  assert.equal(parseRetryAfter(null, NOW_MS), null);
});

test('Retry-After never gives a wait that is negative or no number', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const waitMs = parseRetryAfter(text, NOW_MS);
      assert.ok(waitMs === null || waitMs >= 0);
    }),
  );
});
