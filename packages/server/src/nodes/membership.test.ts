import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { createTestClock, type TestClock, until } from '../lib/fixtures/test-clock.ts';
import { silentLog } from '../lib/log.ts';
import { openSqliteEngine } from '../store/sqlite/engine.ts';
import { createStore, type Store } from '../store/store.ts';
import { createMembership, DEAD_AFTER_MS } from './membership.ts';

interface Shared {
  store: Store;
  clock: TestClock;
  /** Time goes on, beat by beat; each is over, however long the disk takes, before the next begins. */
  pass(ms: number): Promise<void>;
}

async function setUp(t: TestContext): Promise<Shared> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-nodes-'));
  const clock = createTestClock(1_795_168_800_000);
  const engine = await openSqliteEngine({ folder, clock });
  t.after(async () => {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  });
  const store = createStore(engine);
  let underWay = 0;
  const watch = ([name, ask]: [string, (...args: never[]) => Promise<unknown>]) => [
    name,
    async (...args: never[]) => {
      underWay += 1;
      return ask(...args).finally(() => {
        underWay -= 1;
      });
    },
  ];
  const nodes: Store['nodes'] = Object.fromEntries(Object.entries(store.nodes).map(watch));
  return {
    store: { ...store, nodes },
    clock,
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 500) {
        await clock.advance(500);
        do await new Promise((resolve) => setImmediate(resolve));
        while (underWay > 0);
      }
    },
  };
}

/** A node whose time can be stopped, as by SIGSTOP, and whose clock can jump. */
async function joinAs({ store, clock }: Pick<Shared, 'store' | 'clock'>, id: string) {
  const heard = {
    changes: 0,
    expelled: 0,
    confirmedAtMs: 0,
    releases: 0,
    ownReleases: [] as string[][],
  };
  let frozen = false;
  let aheadMs = 0;
  let doubts = 0;
  const held: (() => void)[] = [];
  const membership = createMembership({
    nodes: store.nodes,
    self: { id, host: 'h', pid: 1, version: '0', roles: ['api', 'dispatch'] },
    stats: () => ({ deliveriesInMemory: 0, postsInFlight: 0, mailInMemory: 0 }),
    clock: {
      now: () => clock.now() + aheadMs,
      after: (delayMs, action) =>
        clock.after(delayMs, () => {
          if (frozen) held.push(action);
          else action();
        }),
    },
    log: silentLog,
    async releaseOrphans({ own }) {
      if (own) heard.ownReleases.push((await store.nodes.list()).map((node) => node.id));
      else heard.releases += 1;
      return { released: 0 };
    },
    doubtfulCommits: () => doubts,
    onChange: () => {
      heard.changes += 1;
    },
    onExpelled: () => {
      heard.expelled += 1;
    },
    fence: {
      beat() {
        const sentAtMs = clock.now();
        return () => {
          heard.confirmedAtMs = sentAtMs;
        };
      },
    },
  });
  await membership.start();
  return {
    membership,
    heard,
    loseTrack() {
      doubts += 1;
    },
    jump(ms: number) {
      aheadMs += ms;
    },
    freeze() {
      frozen = true;
    },
    thaw() {
      frozen = false;
      for (const action of held.splice(0)) action();
    },
  };
}

test('a silent node is declared dead by one of the others, and joins again when it wakes', async (t) => {
  const shared = await setUp(t);
  const { store, pass } = shared;
  const nodes = [
    await joinAs(shared, 'node_a'),
    await joinAs(shared, 'node_b'),
    await joinAs(shared, 'node_c'),
  ];
  const [a, b, c] = nodes;
  if (a === undefined || b === undefined || c === undefined) return;
  await pass(3_000);
  assert.deepEqual(
    nodes.map(({ membership }) => membership.count('dispatch')),
    [3, 3, 3],
  );
  const { confirmedAtMs } = c.heard;
  assert.equal(confirmedAtMs, shared.clock.now(), 'each beat confirms what it holds');
  c.freeze();
  await pass(DEAD_AFTER_MS + 4_000);
  assert.equal(c.heard.confirmedAtMs, confirmedAtMs);
  assert.deepEqual(
    (await store.nodes.list()).map(({ id }) => id),
    ['node_a', 'node_b'],
  );
  assert.equal(a.heard.releases + b.heard.releases, 1);
  assert.deepEqual([a.membership.count('dispatch'), b.membership.count('dispatch')], [2, 2]);
  c.thaw();
  await until('it has joined again', () => c.heard.expelled === 1);
  await pass(3_000);
  assert.deepEqual(
    nodes.map(({ membership }) => membership.count('dispatch')),
    [3, 3, 3],
  );
  assert.equal(a.heard.expelled + b.heard.expelled, 0);
  const [listed] = c.heard.ownReleases;
  assert.deepEqual(listed, ['node_a', 'node_b'], 'what it held was freed before it joined again');
  assert.ok(c.heard.confirmedAtMs > confirmedAtMs + DEAD_AFTER_MS);
  for (const { membership } of nodes) await membership.stop();
  assert.deepEqual(await store.nodes.list(), []);
  const before = ['node_b', 'node_c'];
  assert.deepEqual(
    a.heard.ownReleases,
    [before],
    'who goes leaves nothing behind that is leased to it',
  );
});

test('a node that has lost track of a commit frees what it holds, and joins again, once', async (t) => {
  const shared = await setUp(t);
  const a = await joinAs(shared, 'node_a');
  const b = await joinAs(shared, 'node_b');
  await shared.pass(2_000);
  a.loseTrack();
  await shared.pass(5_000);
  assert.equal(a.heard.expelled, 1);
  assert.deepEqual(a.heard.ownReleases, [['node_b']], 'off the list while what it held was freed');
  assert.deepEqual([a.membership.count('dispatch'), b.membership.count('dispatch')], [2, 2]);
  assert.equal(b.heard.expelled, 0);
  for (const { membership } of [a, b]) await membership.stop();
});

test('nobody was silent while nobody could look, or because a clock jumped', async (t) => {
  const { store, clock, pass } = await setUp(t);
  let isDown = false;
  const insist = <A extends unknown[], R>(work: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (isDown) throw new Error('The database is away.');
      return await work(...args);
    };
  };
  const { nodes } = store;
  const away = { ...nodes, beat: insist(nodes.beat), list: insist(nodes.list) };
  const shared = { store: { ...store, nodes: away }, clock };
  const a = await joinAs(shared, 'node_a');
  const b = await joinAs(shared, 'node_b');
  await pass(3_000);
  isDown = true;
  await pass(2 * DEAD_AFTER_MS);
  // Somebody is the first who can look again, and sees the beats of before.
  b.freeze();
  isDown = false;
  await pass(3_000);
  b.thaw();
  a.jump(3_600_000);
  await pass(3_000);
  a.jump(-7_200_000);
  await pass(3_000);
  assert.deepEqual([a.heard.expelled, b.heard.expelled], [0, 0]);
  assert.equal(a.membership.count('dispatch'), 2);
  for (const { membership } of [a, b]) await membership.stop();
});
