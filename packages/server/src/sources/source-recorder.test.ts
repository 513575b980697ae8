import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findProvider } from '@posthorn/sdk';
import { type ActivityDelta, DEFAULT_SOURCE_SETTINGS } from '../core/source.ts';
import { createTestClock } from '../lib/fixtures/test-clock.ts';
import type { Log } from '../lib/log.ts';
import { silentLog } from '../lib/log.ts';
import type { LiveSource } from './source-directory.ts';
import { createSourceRecorder } from './source-recorder.ts';

const provider = findProvider('postmark');
assert.ok(provider);
const SOURCE: LiveSource = {
  record: {
    projectId: 'prj_1',
    id: 'src_1',
    name: 'Shop',
    provider: 'postmark',
    settings: DEFAULT_SOURCE_SETTINGS,
    secretsSealed: '',
    version: 1,
    createdAtMs: 0,
    updatedAtMs: 0,
  },
  secrets: { secrets: [], tokens: [] },
  provider,
};
const REFUSAL = { code: 'bad_signature', detail: 'No signature matches.' };

function setUp() {
  const clock = createTestClock(0);
  const added: ActivityDelta[] = [];
  const warned: object[] = [];
  const state = { failing: false };
  const log: Log = { ...silentLog, warn: (fields) => warned.push(fields) };
  const recorder = createSourceRecorder({
    activities: {
      async add(notes) {
        if (state.failing) throw new Error('down');
        added.push(...notes.map(({ delta }) => delta));
      },
    },
    onOutcome: () => {},
    clock,
    log,
  });
  return { clock, added, warned, state, recorder };
}

test('what comes within a few seconds is stored as one', async () => {
  const { clock, added, recorder } = setUp();
  recorder.taken(SOURCE, { events: 2, duplicates: 0 }, 1);
  recorder.taken(SOURCE, { events: 0, duplicates: 1 }, 2);
  recorder.taken(SOURCE, { events: 0, duplicates: 0 }, 3);
  recorder.refused(SOURCE, REFUSAL, 4);
  assert.deepEqual(added, []);
  await clock.advance(3_000);
  assert.deepEqual(added, [
    {
      requests: 3,
      events: 2,
      duplicates: 1,
      refused: 1,
      lastRequestAtMs: 3,
      // A probe brings no event.
      lastEventAtMs: 2,
      lastRefusal: { atMs: 4, ...REFUSAL },
    },
  ]);
  await clock.advance(60_000);
  assert.equal(added.length, 1);
});

test('while the store refuses, counts wait and add up; the last are stored at the stop', async () => {
  const { clock, added, state, recorder } = setUp();
  state.failing = true;
  recorder.taken(SOURCE, { events: 1, duplicates: 0 }, 1);
  await clock.advance(10_000);
  recorder.taken(SOURCE, { events: 1, duplicates: 0 }, 10_000);
  state.failing = false;
  await clock.advance(6_000);
  assert.deepEqual(
    added.map(({ events, lastEventAtMs }) => [events, lastEventAtMs]),
    [[2, 10_000]],
  );
  recorder.taken(SOURCE, { events: 5, duplicates: 0 }, 1);
  await recorder.stop();
  assert.equal(added.at(-1)?.events, 5);
});

test('a refusal is logged once a minute, with how many were not', async () => {
  const { warned, recorder } = setUp();
  for (const atMs of [0, 1, 59_999]) recorder.refused(SOURCE, REFUSAL, atMs);
  recorder.refused(SOURCE, { ...REFUSAL, code: 'replayed' }, 1);
  recorder.refused(SOURCE, REFUSAL, 60_000);
  assert.deepEqual(
    warned.map((fields) => [Reflect.get(fields, 'code'), Reflect.get(fields, 'unlogged')]),
    [
      ['bad_signature', 0],
      ['replayed', 0],
      ['bad_signature', 2],
    ],
  );
});
