import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Engine } from '../engine.ts';
import type { TranscriptRecord } from '../mail/transcripts.ts';
import type { Tables } from '../tables.ts';
import { erasure } from './job-cases.ts';
import {
  createSandbox,
  DAY_MS,
  NODE,
  NOW_MS,
  type OpenEngine,
  RETENTION_MS,
  type Sandbox,
  withOwnStore,
} from './sandbox.ts';

const RETAINED = [
  'events',
  'deliveries',
  'attempts',
  'recipient_states',
  'messages',
  'message_bodies',
  'transmissions',
  'transcripts',
  'jobs',
  'idempotency_keys',
] as const satisfies (keyof Tables)[];

/** Puts one row into every table that has a retention; with `pending` the work is still to be done. */
async function fill(box: Sandbox, retainUntilMs: number, pending = false): Promise<void> {
  const { engine, store, event, attempt, message, ids, projectId, endpointId } = box;
  const id = ids.next('message');
  const { event: canonical } = event();
  const answer = {
    project_id: projectId,
    key: id,
    request_hash: '',
    status: 200,
    body_sealed: '',
    retain_until: retainUntilMs,
  };
  const statements = [
    ...message({ id, fields: { retainUntilMs }, transmissions: [{ node: NODE }] }),
    ...store.idempotency.remember(answer, NOW_MS),
    store.transcripts.insertion(transcriptOf(projectId, id), retainUntilMs),
  ];
  await engine.commit({
    events: [
      {
        projectId,
        id: canonical.id,
        type: 'email.sent',
        messageKey: id,
        recipient: 'a@b.test',
        occurredAtMs: NOW_MS,
        receivedAtMs: NOW_MS,
        dedupKey: null,
        json: JSON.stringify(canonical),
        raw: null,
        retainUntilMs,
        standing: null,
        deliveries: [
          {
            endpointId,
            state: 'pending',
            urgency: 1,
            dueAtMs: NOW_MS,
            node: NODE,
            orderKey: null,
          },
        ],
      },
    ],
    // The body has a retention of its own; here it is that of the rest.
    statements: statements.map((one) =>
      one.sql.includes('message_bodies')
        ? { ...one, parameters: [...one.parameters.slice(0, -1), retainUntilMs] }
        : one,
    ),
  });
  await engine.recordAttempt(attempt(canonical.id, { node: 'node_lost', retainUntilMs }));
  const ended = { state: 'done', endedAtMs: NOW_MS } as const;
  await store.jobs.insert(erasure(box, { retainUntilMs, ...(!pending && ended) }), []);
  if (pending) return;
  await engine.recordAttempt(attempt(canonical.id, { retainUntilMs }));
  const recipient = 'anna@receiver.test';
  const outcome = { projectId, messageId: id, recipient, node: NODE, attempts: 1 };
  const settled = { ...outcome, state: 'delivered' as const, reachedServer: true, dueAtMs: NOW_MS };
  await engine.commit({ events: [], statements: [store.messages.settlement(settled)] });
}

const transcriptOf = (projectId: string, messageId: string): TranscriptRecord => ({
  projectId,
  messageId,
  id: messageId.replace('msg_', 'trn_'),
  startedAtMs: NOW_MS,
  latencyMs: 1,
  recipients: [],
  lines: [],
});

/** Whole rounds over all projects. */
async function purge(engine: Engine, nowMs: number, limit: number): Promise<number> {
  let sum = 0;
  for (;;) {
    const { purged, more } = await engine.purgeExpired({ nowMs, limit });
    sum += purged;
    if (!more) return sum;
  }
}

async function count(engine: Engine, projectId?: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of RETAINED) {
    let query = engine.db.selectFrom(table).select((eb) => eb.fn.countAll<number>().as('count'));
    if (projectId !== undefined) query = query.where('project_id', '=', projectId);
    counts[table] = Number((await query.executeTakeFirstOrThrow()).count);
  }
  return counts;
}

const each = (rows: number) => Object.fromEntries(RETAINED.map((table) => [table, rows]));

export function describePurge(open: OpenEngine): void {
  describe('retention', () => {
    test('deletes what has expired of every project, in every table, and keeps the rest', () =>
      withOwnStore(open, async (box) => {
        const { engine } = box;
        const boxes = [box, await createSandbox(engine), await createSandbox(engine)];
        for (const one of boxes) {
          for (let i = 0; i < 4; i++) await fill(one, NOW_MS + RETENTION_MS);
          for (let i = 0; i < 3; i++) await fill(one, NOW_MS + RETENTION_MS + DAY_MS);
        }
        assert.equal(await purge(engine, NOW_MS + RETENTION_MS - 1, 100), 0);
        assert.deepEqual(await count(engine), each(21));
        assert.equal(await purge(engine, NOW_MS + RETENTION_MS, 100), 12 * RETAINED.length);
        for (const { projectId } of boxes) {
          assert.deepEqual(await count(engine, projectId), each(3));
        }
        assert.equal((await box.store.projects.all()).length, boxes.length);
      }));

    test('takes a bounded number of rows a call, and gets through them all', () =>
      withOwnStore(open, async (box) => {
        const { engine } = box;
        for (let i = 0; i < 10; i++) await fill(box, NOW_MS);
        for (let i = 0; i < 2; i++) await fill(box, NOW_MS + 1);
        let before = await count(engine);
        for (let call = 0; call < 12; call++) {
          await engine.purgeExpired({ nowMs: NOW_MS, limit: 3 });
          const after = await count(engine);
          for (const table of RETAINED) {
            assert.ok((before[table] ?? 0) - (after[table] ?? 0) <= 3, table);
          }
          before = after;
        }
        assert.deepEqual(before, each(2));
      }));

    test('keeps what is still to be done, whatever its age, and goes on behind it', () =>
      withOwnStore(open, async (box) => {
        const { engine } = box;
        for (let i = 0; i < 3; i++) await fill(box, NOW_MS, true);
        for (let i = 0; i < 3; i++) await fill(box, NOW_MS);
        await purge(engine, NOW_MS, 2);
        const kept = { deliveries: 3, messages: 3, message_bodies: 3, transmissions: 3, jobs: 3 };
        assert.deepEqual(await count(engine, box.projectId), { ...each(0), ...kept, events: 3 });
      }));
  });
}
