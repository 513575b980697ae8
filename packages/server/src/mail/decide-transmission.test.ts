import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { MAIL_LADDER_MS } from '../core/retry-schedule.ts';
import { type RecipientResult, TRANSMIT_ERRORS } from '../smtp/transmission.ts';
import { decideTransmission } from './decide-transmission.ts';
import {
  DELIVERED,
  GREYLISTED,
  toResult,
  UNKNOWN_USER,
  UNREACHABLE,
} from './fixtures/fake-transmitter.ts';

const NOW_MS = 1_000_000;

function decide(
  answer: Partial<RecipientResult>,
  before: Partial<Parameters<typeof decideTransmission>[0]> = {},
) {
  return decideTransmission({
    result: toResult('mila@example.com', answer),
    attempts: 0,
    reachedServer: false,
    ladderMs: [60_000, 300_000],
    nowMs: NOW_MS,
    sinceMs: NOW_MS,
    expiresAtMs: NOW_MS + 86_400_000,
    random: 0.5,
    ...before,
  });
}

function outcomeOf(decision: ReturnType<typeof decide>): string {
  const types = decision.events.map(({ type }) => type.slice('email.'.length));
  return `${decision.state}: ${types.join(', ')}`;
}

test('a delivery ends it; the first contact is told once', () => {
  assert.equal(outcomeOf(decide(DELIVERED)), 'delivered: sent, delivered');
  assert.equal(outcomeOf(decide(DELIVERED, { reachedServer: true })), 'delivered: delivered');
});

test('a refusal by the server is a bounce with its reasons', () => {
  const decision = decide(UNKNOWN_USER);
  assert.equal(outcomeOf(decision), 'bounced: sent, bounced');
  const { bounce, delivery } = decision.events[1] ?? {};
  assert.deepEqual(
    [bounce?.type, bounce?.category, bounce?.scope],
    ['hard', 'invalid_address', 'recipient'],
  );
  assert.deepEqual([bounce?.async, bounce?.from_dsn, bounce?.suppressed], [false, false, false]);
  assert.equal(delivery?.response, UNKNOWN_USER.response);
  assert.equal(delivery?.latency_ms, 12);
});

test('a refusal that DNS or the address decides was never sent', () => {
  for (const [errorCode, category, scope] of [
    ['dns_not_found', 'invalid_domain', 'domain'],
    ['null_mx', 'invalid_domain', 'domain'],
    ['invalid_address', 'invalid_address', 'recipient'],
  ] as const) {
    const answer = { ...UNREACHABLE, outcome: 'refused', stage: 'dns', errorCode } as const;
    const decision = decide(answer, { attempts: 3, sinceMs: NOW_MS - 900_000 });
    assert.equal(outcomeOf(decision), 'bounced: bounced');
    const bounce = decision.events[0]?.bounce;
    assert.deepEqual([bounce?.type, bounce?.category, bounce?.scope], ['hard', category, scope]);
    assert.notEqual(bounce?.description ?? '', '');
  }
});

test('a domain that DNS does not know is asked for again before that counts', () => {
  const answer = {
    ...UNREACHABLE,
    outcome: 'refused',
    stage: 'dns',
    errorCode: 'dns_not_found',
    enhancedCode: '5.1.2',
  } as const;
  const first = decide(answer);
  assert.equal(first.events[0]?.delivery.enhanced_code, '4.1.2');
  assert.equal(outcomeOf(first), 'queued: deferred');
  assert.equal(first.dueAtMs, NOW_MS + 60_000);
  const often = decide(answer, { attempts: 9, sinceMs: NOW_MS - 899_999 });
  assert.equal(outcomeOf(often), 'queued: deferred');
  const long = decide(answer, { attempts: 2, sinceMs: NOW_MS - 86_000_000 });
  assert.equal(outcomeOf(long), 'queued: deferred');
  const both = decide(answer, { attempts: 3, sinceMs: NOW_MS - 900_000 });
  assert.equal(outcomeOf(both), 'bounced: bounced');
  assert.equal(both.events[0]?.delivery.enhanced_code, '5.1.2');
  const expired = decide(answer, { attempts: 1, expiresAtMs: NOW_MS });
  assert.equal(outcomeOf(expired), 'failed: failed');
});

test('what the warm-up leaves no room for today is due in the first hour of tomorrow', () => {
  const answer = { ...UNREACHABLE, errorCode: 'warmup_full' } as const;
  const nowMs = Date.parse('2026-11-22T10:00:00Z');
  const expiresAtMs = nowMs + 5 * 86_400_000;
  const { state, dueAtMs } = decide(answer, { nowMs, expiresAtMs });
  assert.deepEqual([state, dueAtMs], ['queued', Date.parse('2026-11-23T00:30:00Z')]);
  assert.equal(decide(answer, { nowMs, expiresAtMs: nowMs + 1 }).dueAtMs, nowMs + 1);
  assert.equal(decide(answer, { nowMs, expiresAtMs: nowMs }).state, 'failed');
});

test('what the API of a provider refuses is judged by its words, and never hard for lack of them', () => {
  const refused = { ...UNKNOWN_USER, errorCode: 'api_rejected', smtpCode: null } as const;
  const bounceOf = (response: string) => {
    const { events } = decide({ ...refused, enhancedCode: null, response });
    const { type, category } = events.at(-1)?.bounce ?? {};
    return [type, category];
  };
  assert.deepEqual(bounceOf('422 The recipient has been marked as inactive'), [
    'soft',
    'mailbox_inactive',
  ]);
  assert.deepEqual(bounceOf('400 because'), ['undetermined', 'other']);
});

test('a null MX counts at once: the domain has said it itself', () => {
  const answer = {
    ...UNREACHABLE,
    outcome: 'refused',
    stage: 'dns',
    errorCode: 'null_mx',
  } as const;
  assert.equal(outcomeOf(decide(answer)), 'bounced: bounced');
});

test('a temporary failure climbs the ladder, and says when the next attempt is', () => {
  const first = decide(GREYLISTED);
  assert.equal(outcomeOf(first), 'queued: sent, deferred');
  assert.equal(first.dueAtMs, NOW_MS + 60_000);
  assert.equal(first.events[1]?.delivery.next_attempt_at, new Date(NOW_MS + 60_000).toISOString());
  assert.equal(first.events[0]?.delivery.next_attempt_at, null);
  const fifth = decide(UNREACHABLE, { attempts: 4 });
  assert.equal(outcomeOf(fifth), 'queued: deferred');
  assert.deepEqual([fifth.attempts, fifth.dueAtMs], [5, NOW_MS + 300_000]);
});

test('the last attempt falls on the expiry, and after it the message is given up', () => {
  const expiresAtMs = NOW_MS + 1_000;
  assert.equal(decide(GREYLISTED, { expiresAtMs }).dueAtMs, expiresAtMs);
  const expired = { expiresAtMs: NOW_MS };
  assert.equal(outcomeOf(decide(UNREACHABLE, expired)), 'failed: failed');
  assert.equal(outcomeOf(decide(GREYLISTED, expired)), 'bounced: sent, bounced');
  const earlier = decide(UNREACHABLE, { ...expired, reachedServer: true });
  assert.equal(outcomeOf(earlier), 'bounced: bounced');
  assert.equal(earlier.events[0]?.bounce?.type, 'soft');
});

const result: fc.Arbitrary<Partial<RecipientResult>> = fc.record({
  outcome: fc.constantFrom('delivered', 'deferred', 'refused'),
  stage: fc.constantFrom(
    'dns',
    'connect',
    'tls',
    'greeting',
    'ehlo',
    'mail',
    'rcpt',
    'data',
    'reply',
  ),
  errorCode: fc.option(
    fc.constantFrom(...(Object.keys(TRANSMIT_ERRORS) as (keyof typeof TRANSMIT_ERRORS)[])),
  ),
  smtpCode: fc.option(fc.integer({ min: 200, max: 599 })),
  enhancedCode: fc.option(fc.constantFrom('5.1.1', '4.7.1', '2.0.0', '5.7.26', 'nonsense')),
  response: fc.option(fc.string()),
  reachedServer: fc.boolean(),
  latencyMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
});

test('whatever comes back, a recipient is either final or queued, and the events say the same', () => {
  fc.assert(
    fc.property(
      result,
      fc.nat(40),
      fc.boolean(),
      fc.integer({ min: -1_000, max: 1_000_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (answer, attempts, reachedServer, leftMs, random) => {
        const decision = decideTransmission({
          result: toResult('mila@example.com', answer),
          attempts,
          reachedServer,
          ladderMs: MAIL_LADDER_MS,
          nowMs: NOW_MS,
          sinceMs: NOW_MS,
          expiresAtMs: NOW_MS + leftMs,
          random,
        });
        const types = decision.events.map(({ type }) => type);
        const ends = types.filter((type) => type !== 'email.sent');
        const expected = decision.state === 'queued' ? 'email.deferred' : `email.${decision.state}`;
        assert.deepEqual(ends, [expected]);
        assert.equal(types.at(-1), expected);
        assert.equal(types.includes('email.sent'), !reachedServer && answer.reachedServer === true);
        assert.equal(decision.attempts, attempts + 1);
        assert.equal(decision.reachedServer, reachedServer || answer.reachedServer === true);
        assert.equal(decision.state === 'failed', ends[0] === 'email.failed');
        if (decision.state === 'queued') {
          assert.ok(decision.dueAtMs > NOW_MS && decision.dueAtMs <= NOW_MS + leftMs);
        }
        for (const { type, bounce } of decision.events) {
          assert.equal(bounce !== undefined, type === 'email.bounced');
        }
      },
    ),
  );
});
