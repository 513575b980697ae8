import assert from 'node:assert/strict';
import test from 'node:test';
import { createTestClock } from '../lib/fixtures/test-clock.ts';
import { silentLog } from '../lib/log.ts';
import type { Change } from '../store/changes.ts';
import type { Signal } from '../store/engine.ts';
import { shareWork } from './share-work.ts';

/** A node whose database shows what a test puts there. */
async function setUp() {
  const clock = createTestClock(0);
  const changes: Change[] = [];
  const heard: string[] = [];
  let signal: (signal: Signal) => void = () => {};
  let isDue = false;
  const sharing = shareWork({
    nodes: {
      register: async () => {},
      beat: async () => true,
      list: async () => [],
      declareDead: async () => false,
      clear: async () => {},
      leave: async () => {},
      takeDuty: async () => false,
      duties: async () => [],
      held: async () => [],
    },
    changes: {
      latest: async () => 0,
      after: async (position) => changes.filter((one) => one.position > position),
      forgetBefore: async () => {},
    },
    deliveries: {
      nextDue: async () =>
        isDue ? [{ projectId: 'prj_1', endpointId: 'ep_1', urgency: 1, dueAtMs: 0 }] : [],
    },
    fence: { beat: () => () => {} },
    engine: {
      shared: true,
      releaseLeases: async () => ({ released: 0 }),
      health: () => ({ ok: true }),
      doubtfulCommits: () => 0,
      onSignal: (listener) => {
        signal = listener;
      },
    },
    self: { id: 'node_a', host: 'h', pid: 1, version: '0', roles: ['dispatch'] },
    stats: () => ({ deliveriesInMemory: 0, postsInFlight: 0, mailInMemory: 0 }),
    sharer: {
      refreshEndpoint: async (_, id) => void heard.push(id),
      refreshEndpoints: async () => {},
      refreshProjects: async () => {},
      refreshSource: async () => {},
      refreshSources: async () => {},
      refreshSinks: async () => {},
      refreshDomains: async () => {},
      forgetKeys() {},
      noteDue: (due) => heard.push(...due.map(({ endpointId }) => `due ${endpointId}`)),
      noteMailDue() {},
      dropLeases() {},
    },
    clock,
    log: silentLog,
  });
  await sharing.start();
  // The first look is over, and what it leaves alone afterwards too.
  await clock.advance(400);
  return {
    clock,
    heard,
    sharing,
    signal: (one: Signal) => signal(one),
    change: () => changes.push({ position: 1, kind: 'endpoint', projectId: 'prj_1', id: 'ep_1' }),
    work() {
      isDue = true;
    },
  };
}

test('changes and work are looked for at once when another node calls', async () => {
  const { clock, heard, sharing, signal, change, work } = await setUp();
  change();
  work();
  await clock.advance(0);
  assert.deepEqual(heard, []);
  signal('change');
  await clock.advance(0);
  assert.deepEqual(heard, ['ep_1']);
  signal('work');
  await clock.advance(0);
  assert.deepEqual(heard, ['ep_1', 'due ep_1']);
  await sharing.stop();
});

test('and are found by looking alone when nobody calls', async () => {
  const { clock, heard, sharing, change, work } = await setUp();
  change();
  work();
  await clock.advance(1_000);
  assert.deepEqual(heard.toSorted(), ['due ep_1', 'ep_1']);
  await sharing.stop();
  await clock.advance(10_000);
  assert.equal(heard.length, 2);
});
