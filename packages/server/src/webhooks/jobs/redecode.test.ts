import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGenericProvider, type EventMapping } from '@posthorn/sdk';
import { DEFAULT_SOURCE_SETTINGS, type SourcePayload } from '../../core/source.ts';
import { packBytes } from '../../lib/pack.ts';
import { toReports } from '../../sources/read-reports.ts';
import type { LiveSource } from '../../sources/source-directory.ts';
import type { JobRecord } from '../../store/jobs/jobs.ts';
import { createEventLog } from '../../store/log/event-log.ts';
import { PROJECT } from '../fixtures/make-endpoint.ts';
import { setUpJobs } from './fixtures/set-up-jobs.ts';
import { createRedecode } from './redecode.ts';

const FIELDS = { type: 'kind', recipient: 'who', timestamp: 'at' } as const;
/** What the sender means is not known yet. */
const OLD: EventMapping = { fields: FIELDS };
const NEW: EventMapping = { fields: FIELDS, types: { zap: 'email.opened' } };

function sourceOf(mapping: EventMapping): LiveSource {
  return {
    record: {
      projectId: PROJECT,
      id: 'src_1',
      name: 'Own',
      provider: 'generic',
      settings: { ...DEFAULT_SOURCE_SETTINGS, mapping },
      secretsSealed: '',
      version: 1,
      createdAtMs: 0,
      updatedAtMs: 0,
    },
    secrets: { secrets: [], tokens: [] },
    provider: createGenericProvider({ mapping }),
  };
}

const ENTRIES = [
  { kind: 'zap', who: 'anna@b.test', at: '2026-01-01T00:00:00Z' },
  { kind: 'delivered', who: 'anna@b.test', at: '2026-01-01T00:00:00Z' },
];

async function setUp(t: Parameters<typeof setUpJobs>[0], webhooks: number) {
  const system = await setUpJobs(t, { idle: true });
  const { store, engine, ids, clock } = system;
  const known = new Map([['src_1', sourceOf(OLD)]]);
  const log = createEventLog({
    engine,
    subscribers: { owedFor: () => [], committed() {}, dropped() {}, stored() {} },
    now: clock.now,
    retentionMs: () => 1_000_000,
  });
  const step = createRedecode({
    payloads: store.sourcePayloads,
    sources: { find: (_project, id) => known.get(id) ?? null },
    log,
    ids,
  });
  for (let n = 0; n < webhooks; n++) await take(n);

  /** As it was taken in, with the decoder of then. */
  async function take(n: number): Promise<void> {
    const { record, provider } = sourceOf(OLD);
    const body = Buffer.from(
      JSON.stringify(
        ENTRIES.map((one) => ({ ...one, n, kind: one.kind, who: `u${n}-${one.who}` })),
      ),
    );
    const request = { method: 'POST', query: '', headers: {} };
    const decoded = provider.decode({ method: 'POST', url: '', headers: {}, body });
    const reports = toReports(record, provider, decoded, clock.now());
    const payload: SourcePayload = {
      projectId: PROJECT,
      id: ids.next('payload'),
      sourceId: 'src_1',
      receivedAtMs: clock.now(),
      request,
      ...(await packBytes(body)),
      digest: String(n),
      recipients: [],
      decoded: reports.map(({ dedupKey, event }) => [dedupKey, event.type]),
      retainUntilMs: clock.now() + 1_000_000,
    };
    const events = reports.map(({ dedupKey, event }) => ({
      projectId: PROJECT,
      dedupKey,
      event: { id: ids.next('event'), ...event },
    }));
    await log.append(events, [store.sourcePayloads.insertion(payload)]);
  }

  /** Makes every step of a job, as the runner does. */
  async function redecode(params: { dryRun?: boolean; sourceId?: string | null } = {}) {
    let job = (await system.add({
      kind: 'redecode',
      params: {
        sourceId: null,
        sinceMs: null,
        untilMs: clock.now() + 60_000,
        dryRun: false,
        ...params,
      },
    })) as JobRecord<'redecode'>;
    for (;;) {
      const made = await step(job);
      await engine.commit({ events: [], statements: made.statements });
      job = { ...job, cursor: made.cursor, progress: made.progress };
      if (made.outcome.kind === 'done') return made.progress;
    }
  }
  const types = async () => {
    const query = { projectId: PROJECT, limit: 100, beforeId: null, types: [] };
    const { rows } = await store.events.list({ ...query, messageKey: null, recipient: null });
    return rows.map(({ type }) => type).sort();
  };
  return { ...system, known, redecode, types };
}

test('with the same decoder nothing is new', async (t) => {
  const { redecode, types } = await setUp(t, 1);
  const progress = await redecode();
  assert.deepEqual(progress.redecoded, { added: 0, changed: 0, kept: 2 });
  assert.deepEqual(await types(), ['email.delivered', 'email.unknown']);
});

test('a type that is known by now comes as a new event, once', async (t) => {
  const { known, redecode, types } = await setUp(t, 1);
  known.set('src_1', sourceOf(NEW));
  const counted = await redecode({ dryRun: true });
  assert.deepEqual(counted.redecoded, { added: 0, changed: 1, kept: 1 });
  assert.deepEqual(await types(), ['email.delivered', 'email.unknown']);
  assert.deepEqual((await redecode()).redecoded, { added: 0, changed: 1, kept: 1 });
  assert.deepEqual(await types(), ['email.delivered', 'email.opened', 'email.unknown']);
  assert.deepEqual((await redecode()).redecoded, { added: 0, changed: 0, kept: 2 });
  assert.deepEqual(await types(), ['email.delivered', 'email.opened', 'email.unknown']);
});

test('what a newer decoder reads differently, or cannot read, is counted', async (t) => {
  const { known, redecode, types } = await setUp(t, 12);
  known.set('src_1', sourceOf({ entries: '$[0:1]', fields: FIELDS }));
  assert.equal((await redecode()).failed, 12);
  known.set('src_1', sourceOf({ fields: { ...FIELDS, event_id: 'n' } }));
  const progress = await redecode();
  assert.deepEqual([progress.done, progress.redecoded], [12, { added: 24, changed: 0, kept: 0 }]);
  assert.equal((await types()).length, 48);
});

test('of a source that was deleted, nothing can be read', async (t) => {
  const { known, redecode } = await setUp(t, 1);
  known.clear();
  const progress = await redecode();
  assert.deepEqual([progress.done, progress.failed], [0, 1]);
  assert.equal((await redecode({ sourceId: 'src_2' })).failed, 0);
});
