import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SOURCE_SETTINGS, type SourceRecord, type SourceSecrets } from '../core/source.ts';
import { createSecretBox } from '../lib/secrets/secret-box.ts';
import { createSourceDirectory } from './source-directory.ts';

const secretBox = createSecretBox(Buffer.alloc(32, 1));

/** A table that two nodes share. */
function createTable() {
  const rows = new Map<string, SourceRecord>();
  return {
    rows,
    all: async () => [...rows.values()],
    get: async (_project: string, id: string) => rows.get(id) ?? null,
    insert: async (source: SourceRecord) => void rows.set(source.id, source),
    update: async (_before: unknown, source: SourceRecord) => void rows.set(source.id, source),
    remove: async (_project: string, id: string) => void rows.delete(id),
  };
}

function createNode(table: ReturnType<typeof createTable>, living = new Set(['prj_1'])) {
  const clock = { nowMs: 0 };
  const directory = createSourceDirectory<never>({
    sources: table,
    secretBox,
    contextOf: ({ id }) => `source:${id}`,
    projectExists: (id) => living.has(id),
    now: () => clock.nowMs,
  });
  return { directory, clock, living };
}

const source = (
  id: string,
  fields: Partial<SourceRecord> = {},
): Omit<SourceRecord, 'secretsSealed'> => ({
  projectId: 'prj_1',
  id,
  name: 'Shop',
  provider: 'postmark',
  settings: DEFAULT_SOURCE_SETTINGS,
  version: 1,
  createdAtMs: 0,
  updatedAtMs: 0,
  ...fields,
});

const secretsOf = (...tokens: [text: string, expiresAtMs: number | null][]): SourceSecrets => ({
  secrets: [],
  tokens: tokens.map(([text, expiresAtMs]) => ({ text, createdAtMs: 0, expiresAtMs })),
});

test('a source is found by each of its tokens while it counts, and by nothing else', async () => {
  const { directory, clock } = createNode(createTable());
  await directory.create(source('src_1'), secretsOf(['new', null], ['old', 100]), []);
  assert.equal(directory.byToken('new')?.record.id, 'src_1');
  assert.equal(directory.byToken('old')?.record.id, 'src_1');
  for (const token of ['', 'ne', 'new ', 'src_1', '__proto__']) {
    assert.equal(directory.byToken(token), null, token);
  }
  clock.nowMs = 100;
  assert.equal(directory.byToken('old'), null);
  assert.equal(directory.find('prj_2', 'src_1'), null);
});

test('what another node has changed is heard, and an older version is not', async () => {
  const table = createTable();
  const here = createNode(table).directory;
  const there = createNode(table).directory;
  const first = await here.create(source('src_1'), secretsOf(['a', null]), []);
  await there.refresh('prj_1', 'src_1');
  assert.ok(there.byToken('a'));
  await here.update(first, source('src_1', { version: 2 }), { secrets: secretsOf(['b', null]) });
  await there.refreshAll();
  assert.equal(there.byToken('a'), null);
  assert.ok(there.byToken('b'));
  table.rows.set('src_1', first);
  await there.refresh('prj_1', 'src_1');
  assert.ok(there.byToken('b'));
  await here.remove('prj_1', 'src_1', 0);
  await there.refreshAll();
  assert.deepEqual([here.byToken('b'), there.byToken('b')], [null, null]);
});

test('with its project it is not found any more', async () => {
  const { directory, living } = createNode(createTable());
  await directory.create(source('src_1'), secretsOf(['a', null]), []);
  living.clear();
  assert.equal(directory.byToken('a'), null);
  assert.deepEqual(directory.all(), []);
});

test('a provider that this version does not know is passed over, and its tokens with it', async () => {
  const { directory } = createNode(createTable());
  await directory.create(source('src_1', { provider: 'of tomorrow' }), secretsOf(['a', null]), []);
  assert.equal(directory.byToken('a'), null);
});
