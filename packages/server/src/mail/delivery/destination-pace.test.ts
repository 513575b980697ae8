import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseDestinationLimit } from './destination-limits.ts';
import { createDestinationPace, type PaceTicket, type PaceVerdict } from './destination-pace.ts';

type Options = Parameters<typeof createDestinationPace>[0];

function setUp(fields: Partial<Options> = {}) {
  let nowMs = 1_000_000;
  const pace = createDestinationPace({
    concurrency: 10,
    ratePerSecond: null,
    limits: [],
    ladderMs: [60_000, 3_600_000],
    nodes: () => 1,
    now: () => nowMs,
    random: () => 0.5,
    ...fields,
  });
  const start = (domain: string): PaceTicket => {
    const answer = pace.start(domain);
    return 'ticket' in answer ? answer.ticket : assert.fail(JSON.stringify(answer));
  };
  return {
    pace,
    start,
    advance(ms: number) {
      nowMs += ms;
    },
    /** As many as may be under way at once. */
    fill(domain: string): PaceTicket[] {
      const tickets: PaceTicket[] = [];
      for (let next = pace.start(domain); 'ticket' in next; next = pace.start(domain)) {
        tickets.push(next.ticket);
      }
      return tickets;
    },
    end(tickets: readonly PaceTicket[], verdict: PaceVerdict, site: string | null = null) {
      for (const ticket of tickets) ticket.end({ verdict, site, reason: 'no route' });
    },
  };
}

test('a destination gets its share, and no more', () => {
  const { fill, end, pace } = setUp();
  const tickets = fill('a.test');
  assert.equal(tickets.length, 10);
  assert.deepEqual(pace.start('a.test'), { waitMs: null });
  assert.equal(fill('b.test').length, 10);
  end(tickets.slice(0, 1), 'good');
  assert.equal(fill('a.test').length, 1);
});

test('the share is divided among the nodes, never below one', () => {
  let nodes = 3;
  const { fill, end } = setUp({ nodes: () => nodes });
  const tickets = fill('a.test');
  assert.equal(tickets.length, 4);
  end(tickets, 'good');
  nodes = 50;
  assert.equal(fill('a.test').length, 1);
});

test('who asks for less gets half, after a pause; a burst of such answers counts once', () => {
  const { fill, end, pace, advance } = setUp();
  end(fill('a.test'), 'slow');
  assert.deepEqual(pace.start('a.test'), { waitMs: 5_000 });
  assert.equal(pace.isHeldBack('a.test'), true);
  assert.equal(pace.slowed(), 1);
  advance(5_000);
  assert.equal(pace.isHeldBack('a.test'), false);
  const tickets = fill('a.test');
  assert.equal(tickets.length, 5);
  end(tickets, 'slow');
  assert.deepEqual(pace.start('a.test'), { waitMs: 10_000 });
  advance(10_000);
  assert.equal(fill('a.test').length, 2);
});

test('it recovers by one for each round of good answers, and is then forgotten', () => {
  const { fill, end, pace, advance } = setUp({ concurrency: 4 });
  end(fill('a.test'), 'slow');
  advance(5_000);
  const sizes: number[] = [];
  for (let round = 0; round < 8; round++) {
    const tickets = fill('a.test');
    sizes.push(tickets.length);
    end(tickets, 'good');
  }
  assert.deepEqual(
    sizes,
    [...sizes].sort((a, b) => a - b),
  );
  assert.equal(sizes[0], 2);
  assert.ok(
    sizes.every((size, i) => i === 0 || size - (sizes[i - 1] ?? 0) <= 1),
    `${sizes}`,
  );
  assert.equal(sizes.at(-1), 4);
  assert.equal(pace.slowed(), 0);
});

test('a pause never grows beyond five minutes, nor a window below one', () => {
  const { start, pace, advance } = setUp();
  for (let i = 0; i < 20; i++) {
    start('a.test').end({ verdict: 'slow', site: null, reason: '' });
    const paused = pace.isHeldBack('a.test');
    assert.equal(paused, i < 6, `the pause after plea ${i + 1}`);
    advance(Math.min(300_000, 5_000 * 2 ** i));
  }
});

test('who asks for less until the pause grows no more is suspended, until the first good answer', () => {
  const { start, pace, advance, fill } = setUp();
  const plea = { verdict: 'slow', site: null, reason: 'it asks for less' } as const;
  for (let i = 0; i < 6; i++) {
    start('a.test').end(plea);
    assert.deepEqual(pace.start('a.test'), { waitMs: 5_000 * 2 ** i });
    advance(5_000 * 2 ** i);
  }
  start('a.test').end(plea);
  assert.deepEqual(pace.start('a.test'), { suspended: 'it asks for less' });
  advance(300_000);
  const [probe, ...others] = fill('a.test');
  assert.equal(others.length, 0);
  probe?.end(plea);
  assert.deepEqual(pace.start('a.test'), { suspended: 'it asks for less' });
  advance(300_000);
  start('a.test').end({ verdict: 'good', site: null, reason: '' });
  start('a.test').end(plea);
  assert.deepEqual(pace.start('a.test'), { waitMs: 5_000 });
});

test('with a short ladder nobody is left alone for longer than mail itself waits', () => {
  const { start, pace, advance } = setUp({ ladderMs: [200, 500] });
  for (const waitMs of [200, 400, 500, 500]) {
    start('a.test').end({ verdict: 'slow', site: null, reason: 'less' });
    advance(waitMs - 1);
    assert.ok(!('ticket' in pace.start('a.test')));
    advance(1);
  }
});

test('domains that share their mail servers share a pace', () => {
  const { start, end, pace, fill } = setUp({ concurrency: 3 });
  end([start('a.test'), start('b.test')], 'good', 'mx1.host.test,mx2.host.test');
  const tickets = fill('a.test');
  assert.equal(tickets.length, 3);
  assert.deepEqual(pace.start('b.test'), { waitMs: null });
  end(tickets, 'slow', 'mx1.host.test,mx2.host.test');
  assert.deepEqual(pace.start('b.test'), { waitMs: 5_000 });
  const held = pace.heldBack();
  assert.deepEqual(held?.domains.slice(1).sort(), ['a.test', 'b.test']);
  assert.equal(held?.waitMs, 5_000);
});

test('a destination that nobody answers for is suspended with the second failure in a row', () => {
  const { fill, end, pace, start, advance } = setUp();
  end(fill('a.test'), 'dead');
  const tickets = fill('a.test');
  assert.equal(tickets.length, 5);
  end(tickets, 'dead');
  assert.deepEqual(pace.start('a.test'), { suspended: 'no route' });
  assert.equal(pace.isHeldBack('a.test'), false);
  advance(30_000);
  const [probe, ...others] = fill('a.test');
  assert.equal(others.length, 0);
  probe?.end({ verdict: 'dead', site: null, reason: 'still none' });
  assert.deepEqual(pace.start('a.test'), { suspended: 'still none' });
  advance(60_000);
  start('a.test').end({ verdict: 'good', site: null, reason: '' });
  assert.equal(fill('a.test').length, 2);
});

test('a rate is kept, and shared among nodes', () => {
  const { fill, end, pace, advance } = setUp({ ratePerSecond: 4, nodes: () => 2 });
  const tickets = fill('a.test');
  assert.equal(tickets.length, 2);
  end(tickets, 'good');
  assert.deepEqual(pace.start('a.test'), { waitMs: 500 });
  advance(500);
  assert.equal(fill('a.test').length, 1);
  advance(3_600_000);
  assert.equal(fill('a.test').length, 2);
});

test('a destination may have limits of its own, by its domain or its servers', () => {
  const limits = [parseDestinationLimit('host.test=2@1/s')];
  const { start, end, fill } = setUp({ limits });
  end([start('a.test')], 'good', 'mx1.host.test');
  assert.equal(fill('a.test').length, 1);
  const own = setUp({ limits: [parseDestinationLimit('a.test=2')] });
  assert.equal(own.fill('a.test').length, 2);
});

test('whatever the answers, no more are under way than the share, and it never stands still', () => {
  const verdicts = ['good', 'slow', 'dead', 'neutral'] as const;
  const step = fc.record({
    verdict: fc.constantFrom(...verdicts),
    domain: fc.constantFrom('a.test', 'b.test'),
    site: fc.constantFrom(null, 'mx.shared.test'),
    passMs: fc.integer({ min: 0, max: 20_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { pace, fill, end, advance, start } = setUp({ concurrency: 3 });
      for (const { verdict, domain, site, passMs } of steps) {
        const tickets = fill(domain);
        assert.ok(tickets.length <= 3);
        end(tickets, verdict, site);
        advance(passMs);
      }
      advance(300_000 * 1.2);
      for (const domain of ['a.test', 'b.test']) {
        start(domain).end({ verdict: 'good', site: null, reason: '' });
      }
      assert.equal(pace.isHeldBack('a.test'), false);
    }),
    { numRuns: 200 },
  );
});
