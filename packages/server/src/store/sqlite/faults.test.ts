import assert from 'node:assert/strict';
import { openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { createTestClock, type TestClock, turn, until } from '../../lib/fixtures/test-clock.ts';
import {
  createSandbox,
  DAY_MS,
  NODE,
  NOW_MS,
  OTHER_NODE,
  type Sandbox,
} from '../conformance/sandbox.ts';
import { type Engine, type StoreHealth, StoreUnavailable } from '../engine.ts';
import { openSqliteEngine } from './engine.ts';
import { createTestFolder } from './fixtures/test-folder.ts';

const PROBE_MS = 1_000;

interface Opened {
  path: string;
  engine: Engine;
  clock: TestClock;
  /** Every health that was told. */
  told: StoreHealth[];
  box: Sandbox;
}

async function open(
  t: TestContext,
  options: { maxSizeBytes?: number; path?: string } = {},
): Promise<Opened> {
  const path = options.path ?? createTestFolder(t).path;
  const clock = createTestClock(NOW_MS);
  const { maxSizeBytes = null } = options;
  const engine = await openSqliteEngine({ folder: path, clock, maxSizeBytes, busyTimeoutMs: 20 });
  const told: StoreHealth[] = [];
  engine.onHealthChange((health) => told.push(health));
  t.after(() => engine.close());
  return { path, engine, clock, told, box: await createSandbox(engine) };
}

const codes = (told: StoreHealth[]) => told.map((health) => (health.ok ? 'ok' : health.code));

/** Sees a probe of the store through to its end. */
async function probe({ engine, clock }: Opened): Promise<void> {
  await clock.advance(PROBE_MS);
  // The next probe is set when this one has failed, and health turns when it has not.
  await until('the probe ended', () => engine.health().ok || clock.nextAtMs() !== null);
}

describe('a full disk', () => {
  const CAP_BYTES = 1_000_000;

  /** Stores messages until the file may not grow any more; returns the id of the one refused. */
  async function fill({ box, engine }: Opened, retainUntilMs: number): Promise<string> {
    for (let i = 0; i < 500; i++) {
      const id = box.ids.next('message');
      const statements = box
        .message({ id, raw: Buffer.alloc(20_000, i), fields: { retainUntilMs } })
        .map((one) => ({ ...one, parameters: [...one.parameters.slice(0, -1), retainUntilMs] }));
      const event = box.event({ messageId: id, recipient: 'a@b.test' });
      const error = await box.log.append([event], statements).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error === null) continue;
      assert.ok(error instanceof StoreUnavailable, String(error));
      assert.equal(error.code, 'disk_full');
      assert.match(error.message, /store_max_size.*Posthorn goes on by itself/);
      assert.equal(engine.health().ok, false);
      assert.equal(await box.store.messages.get(box.projectId, id), null);
      assert.equal(await box.store.messages.raw(box.projectId, id), null);
      assert.equal(await box.store.events.get(box.projectId, event.event.id), null);
      return id;
    }
    throw new Error('The disk never filled.');
  }

  test('stores nothing of the commit, holds attempts, and is over when a probe gets through', async (t) => {
    const opened = await open(t, { maxSizeBytes: CAP_BYTES });
    const { box, engine, told } = opened;
    box.owes({ node: NODE });
    const held = box.event();
    await box.log.append([held]);
    box.owes();
    await fill(opened, NOW_MS);

    let recorded = false;
    const recording = engine.recordAttempt(box.attempt(held.event.id)).then(() => {
      recorded = true;
    });
    const { projectId, endpointId } = box;
    await assert.rejects(box.log.append([box.event()]), { code: 'disk_full' });
    await assert.rejects(engine.claimDeliveries(box.claim()), { code: 'disk_full' });
    const mail = { nowMs: NOW_MS, limit: 1, node: NODE, exceptDomains: [] };
    await assert.rejects(engine.claimTransmissions(mail), { code: 'disk_full' });
    // People's questions are still answered.
    assert.ok(await box.store.events.get(projectId, held.event.id));

    await probe(opened);
    await probe(opened);
    assert.deepEqual([engine.health().ok, recorded, codes(told)], [false, false, ['disk_full']]);

    // Room appears: retention has ended for what fills the file.
    const { purged } = await engine.purgeExpired({ nowMs: NOW_MS + DAY_MS, limit: 1_000 });
    assert.ok(purged > 10);
    await probe(opened);
    assert.deepEqual(codes(told), ['disk_full', 'ok']);
    await recording;
    const row = await box.store.deliveries.get(projectId, held.event.id, endpointId);
    assert.equal(row?.state, 'delivered');
    const [appended] = await box.log.append([box.event()]);
    assert.equal(appended?.duplicateOf, null);
    assert.equal(await box.store.messages.raw('', 'probe'), null);
  });

  test('is over after a restart with more room, and only what was told is stored is there', async (t) => {
    const path = createTestFolder(t).path;
    const small = await open(t, { maxSizeBytes: CAP_BYTES, path });
    const before = small.box.event();
    await small.box.log.append([before]);
    const refused = await fill(small, NOW_MS + DAY_MS);
    const waiting = small.engine.recordAttempt(small.box.attempt(before.event.id));
    // An attempt that is still held when the process ends was not stored, and says so.
    const forgotten = assert.rejects(waiting, { code: 'closed' });
    await small.engine.close();
    await forgotten;
    const large = await open(t, { path });
    const { store } = large.box;
    assert.ok(await store.events.get(small.box.projectId, before.event.id));
    assert.equal(await store.messages.get(small.box.projectId, refused), null);
    await large.box.log.append([], large.box.message({ id: refused }));
  });

  test('that has no room for the schema is named as what it is', async (t) => {
    const folder = createTestFolder(t).path;
    const clock = createTestClock(NOW_MS);
    const opening = openSqliteEngine({ folder, clock, maxSizeBytes: 20_000 });
    await assert.rejects(opening, { code: 'disk_full' });
    // Nothing half-made is left: with room it starts from the beginning.
    await (await openSqliteEngine({ folder, clock })).close();
  });

  test('does not let an empty store believe that it has room', async (t) => {
    const path = createTestFolder(t).path;
    const clock = createTestClock(NOW_MS);
    const engine = await openSqliteEngine({ folder: path, clock, maxSizeBytes: CAP_BYTES });
    t.after(() => engine.close());
    const write = (i: number) =>
      engine.commit({
        events: [],
        statements: [
          {
            sql: "INSERT INTO message_bodies VALUES ('p', ?, zeroblob(30000), 0)",
            parameters: [`m${i}`],
          },
        ],
      });
    await assert.rejects(
      async () => {
        for (let i = 0; i < 100; i++) await write(i);
      },
      { code: 'disk_full' },
    );
    await clock.advance(PROBE_MS);
    await until('the probe ended', () => engine.health().ok || clock.nextAtMs() !== null);
    assert.equal(engine.health().ok, false);
  });
});

describe('a foreign lock on the file', () => {
  test('refuses work until it is gone, and never stops the main thread', async (t) => {
    const opened = await open(t);
    const { box, engine, told, path } = opened;
    box.owes({ node: NODE });
    const event = box.event();
    await box.log.append([event]);
    box.owes();
    const tool = new DatabaseSync(join(path, 'posthorn.sqlite'));
    tool.exec('BEGIN EXCLUSIVE');

    const appending = box.log.append([box.event()]);
    const recording = engine.recordAttempt(box.attempt(event.event.id));
    // The writer waits for the lock in its own thread; this one goes round meanwhile.
    for (let turns = 0; turns < 3; turns++) await turn();
    assert.equal(engine.health().ok, true);
    await assert.rejects(appending, (error) => {
      assert.ok(error instanceof StoreUnavailable);
      assert.equal(error.code, 'locked');
      assert.match(error.message, /Another program holds a lock .* Close it/);
      return true;
    });
    await probe(opened);
    assert.deepEqual(codes(told), ['locked']);
    assert.ok(await box.store.events.get(box.projectId, event.event.id));

    tool.exec('ROLLBACK');
    tool.close();
    await probe(opened);
    await recording;
    assert.deepEqual(codes(told), ['locked', 'ok']);
    await box.log.append([box.event()]);
  });

  test('that is gone in time costs nothing but the wait', async (t) => {
    const path = createTestFolder(t).path;
    const engine = await openSqliteEngine({ folder: path, clock: createTestClock(NOW_MS) });
    t.after(() => engine.close());
    const box = await createSandbox(engine);
    const tool = new DatabaseSync(join(path, 'posthorn.sqlite'));
    tool.exec('BEGIN EXCLUSIVE');
    const appending = box.log.append([box.event()]);
    let settled = false;
    void appending.then(() => {
      settled = true;
    });
    for (let turns = 0; turns < 100; turns++) await turn();
    assert.equal(settled, false);
    tool.close();
    await appending;
    assert.equal(engine.health().ok, true);
  });

  test('at the start is named as what it is', async (t) => {
    const path = createTestFolder(t).path;
    await (await openSqliteEngine({ folder: path, clock: createTestClock(NOW_MS) })).close();
    const file = join(path, 'posthorn.sqlite');
    const tool = new DatabaseSync(file);
    tool.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE projects SET name = name;');
    await assert.rejects(open(t, { path }), { code: 'locked' });
    tool.close();
    // The folder was given back too.
    await open(t, { path });
  });
});

describe('a damaged file', () => {
  /** A store with some events, closed. */
  async function prepare(t: TestContext): Promise<{ path: string; file: string }> {
    const { box, engine, path } = await open(t);
    box.owes({ endpointId: 'ep_1' });
    for (let i = 0; i < 20; i++) {
      await box.log.append(
        Array.from({ length: 50 }, () => box.event({ messageId: `m${i}`, recipient: 'a@b.test' })),
      );
    }
    await engine.releaseLeases({ exceptNode: OTHER_NODE, nowMs: NOW_MS });
    await engine.close();
    return { path, file: join(path, 'posthorn.sqlite') };
  }

  test('with a header that is none is refused with what to do', async (t) => {
    const { path, file } = await prepare(t);
    const bytes = readFileSync(file);
    bytes.fill(0x55, 0, 100);
    writeFileSync(file, bytes);
    await assert.rejects(open(t, { path }), (error) => {
      assert.ok(error instanceof StoreUnavailable);
      assert.equal(error.code, 'corrupt');
      assert.match(error.message, /restore it from a backup, or recover it with "sqlite3/);
      return true;
    });
    assert.ok(bytes.equals(readFileSync(file)), 'the file is left as it is');
  });

  test('with a broken page in the middle fails when it is met, and stays failing', async (t) => {
    const { path, file } = await prepare(t);
    overwriteRootPage(file, 'events_id');
    const opened = await open(t, { path });
    const { box, engine, told, clock } = opened;
    await assert.rejects(box.log.append([box.event()]), (error) => {
      assert.ok(error instanceof StoreUnavailable);
      assert.equal(error.code, 'corrupt');
      assert.match(error.message, /restore it from a backup, or recover it with "sqlite3/);
      return true;
    });
    await assert.rejects(box.store.events.get(box.projectId, 'evt_x'), { code: 'corrupt' });
    await assert.rejects(box.log.append([box.event()]), { code: 'corrupt' });
    await clock.advance(60_000);
    assert.deepEqual(
      [engine.health().ok, codes(told), clock.nextAtMs()],
      [false, ['corrupt'], null],
    );
  });

  function overwriteRootPage(file: string, name: string): void {
    const db = new DatabaseSync(file, { readOnly: true });
    const page = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(name);
    const size = db.prepare('PRAGMA page_size').get();
    db.close();
    const bytes = Number(size?.['page_size']);
    const at = (Number(page?.['rootpage']) - 1) * bytes;
    writeSync(openSync(file, 'r+'), Buffer.alloc(bytes, 0xff), 0, bytes, at);
  }
});
