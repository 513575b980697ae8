import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { createSandbox, NODE, NOW_MS, OTHER_NODE, type Sandbox } from '../conformance/sandbox.ts';
import type { Engine } from '../engine.ts';
import { createEventLog } from '../log/event-log.ts';
import { createStore } from '../store.ts';
import { CAPABILITIES } from './connect/capabilities.ts';
import { openTestEngine } from './fixtures/open-test-engine.ts';
import { startTestCluster, type TestCluster, withoutPostgres } from './fixtures/test-cluster.ts';

/** Two nodes on one database, as two engines in this process: the database cannot tell. */
describe('two nodes on one PostgreSQL', { skip: withoutPostgres }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  async function openTwo(
    t: TestContext,
    options: Parameters<typeof openTestEngine>[1] = {},
  ): Promise<{ engines: [Engine, Engine]; box: Sandbox }> {
    const url = cluster.url(await cluster.createDatabase());
    // At once: one makes the schema, the other waits for it.
    const engines = await Promise.all([openTestEngine(url, options), openTestEngine(url, options)]);
    t.after(() => Promise.all(engines.map((engine) => engine.close())));
    return { engines, box: await createSandbox(engines[0]) };
  }

  const appendTo = (engine: Engine, box: Sandbox) => {
    const subscribers = {
      owedFor: () => [
        {
          endpointId: box.endpointId,
          state: 'pending' as const,
          urgency: 1 as const,
          dueAtMs: NOW_MS,
          node: null,
          orderKey: 'k',
        },
      ],
      committed() {},
      dropped() {},
      stored() {},
    };
    return createEventLog({ engine, subscribers, now: () => NOW_MS, retentionMs: () => 1e10 });
  };

  for (const [name, capabilities] of [
    ['with the locks of PostgreSQL', CAPABILITIES.postgres],
    ['without them, as elsewhere', { ...CAPABILITIES.yugabyte, brin: true }],
  ] as const) {
    test(`${name}: sequences have no gap, and a reader of the log misses nothing`, async (t) => {
      const { engines, box } = await openTwo(t, { capabilities });
      const { store, projectId, event } = box;
      const seen: string[] = [];
      let position = 0;
      const readOn = async (): Promise<boolean> => {
        const query = { projectId, limit: 7, types: null, messageKey: null, recipient: null };
        const page = await store.feed.after({ ...query, afterPosition: position });
        position = page.position;
        seen.push(...page.events.map((one) => one.event.id));
        return page.atEnd;
      };
      let appending = true;
      const reading = (async () => {
        while (appending) await readOn();
        while (!(await readOn()));
      })();
      const logs = engines.map((engine) => appendTo(engine, box));
      const appended = await Promise.all(
        Array.from({ length: 400 }, async (_, i) => {
          const one = event({ messageId: `m${i % 5}`, recipient: 'a@b.test' });
          const [outcome] = (await logs[i % 2]?.append([one])) ?? [];
          return outcome;
        }),
      );
      appending = false;
      await reading;
      const ids = appended.map((one) => one?.id);
      assert.deepEqual(seen.toSorted(), ids.toSorted());
      for (let message = 0; message < 5; message++) {
        const sequences = appended.flatMap((one, i) =>
          i % 5 === message ? [one?.position?.sequence ?? 0] : [],
        );
        const expected = Array.from({ length: 80 }, (_, i) => i + 1);
        assert.deepEqual(
          sequences.sort((a, b) => a - b),
          expected,
        );
      }
    });
  }

  test('the same event at both is stored once, and both hear of it', async (t) => {
    const { engines, box } = await openTwo(t);
    const { event, store, projectId } = box;
    const logs = engines.map((engine) => appendTo(engine, box));
    const pairs = await Promise.all(
      Array.from({ length: 60 }, (_, i) => {
        const key = { dedupKey: `same ${i}` };
        return Promise.all(logs.map((log) => log.append([event(key)])));
      }),
    );
    for (const pair of pairs) {
      const [first, second] = pair.map(([outcome]) => outcome);
      assert.ok(first && second);
      const [original, copy] = first.duplicateOf === null ? [first, second] : [second, first];
      assert.deepEqual([original.duplicateOf, copy.duplicateOf], [null, original.id]);
    }
    const query = { projectId, beforeId: null, types: [], messageKey: null, recipient: null };
    assert.equal((await store.events.list({ ...query, limit: 200 })).rows.length, 60);
  });

  test('a line that both append to and both work off comes to its end in order, each once', async (t) => {
    const { engines, box } = await openTwo(t);
    const { event, store, projectId, endpointId } = box;
    const total = 120;
    let appendedCount = 0;
    const appending = engines.map(async (engine) => {
      const log = appendTo(engine, box);
      for (let i = 0; i < total / 2; i++) {
        await log.append([event()]);
        appendedCount += 1;
      }
    });
    const delivered: string[] = [];
    const working = [NODE, OTHER_NODE].map(async (node, i) => {
      const engine = engines[i];
      assert.ok(engine);
      while (delivered.length < total) {
        const { deliveries } = await engine.claimDeliveries(box.claim({ node, limit: 3 }));
        for (const [at, { eventId, attempts }] of deliveries.entries()) {
          // Every seventh attempt fails; what came along behind it goes back.
          const fails = (delivered.length + attempts) % 7 === 3 && attempts === 0;
          const number = attempts + 1;
          const fields = { node, number, orderKey: 'k' };
          if (!fails) delivered.push(eventId);
          const next = fails
            ? ({ state: 'pending', dueAtMs: NOW_MS, failures: 1 } as const)
            : ({ state: 'delivered', endedAtMs: NOW_MS } as const);
          await engine.recordAttempt(box.attempt(eventId, { ...fields, next }));
          if (!fails) continue;
          const inLine = deliveries.slice(at + 1).map((one) => one.eventId);
          const given = { due: [], inLine };
          await createStore(engine).deliveries.release(
            { projectId, endpointId, node, nowMs: NOW_MS },
            given,
          );
          break;
        }
        if (deliveries.length === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await Promise.all([...appending, ...working]);
    assert.equal(appendedCount, total);
    const rows = await engines[0].db
      .selectFrom('events')
      .select('id')
      .orderBy('position')
      .execute();
    assert.deepEqual(
      delivered,
      rows.map(({ id }) => id),
    );
    assert.equal(await store.deliveries.waiting(), 0);
  });
});
