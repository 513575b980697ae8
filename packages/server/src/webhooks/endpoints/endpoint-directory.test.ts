import assert from 'node:assert/strict';
import test from 'node:test';
import type { CanonicalEvent, EventData, EventType } from '@posthorn/sdk';
import type { EndpointRecord } from '../../store/webhooks/endpoints.ts';
import {
  DEFAULTS,
  makeEndpointRecord,
  PROJECT,
  SECRET,
  SECRET_BOX,
  SECRETS,
  START_MS,
} from '../fixtures/make-endpoint.ts';
import { setUpDispatcher } from '../fixtures/set-up-dispatcher.ts';
import { createEndpointDirectory } from './endpoint-directory.ts';

function event(type: EventType, data: EventData = {}): CanonicalEvent {
  return { id: 'evt_1', type, timestamp: '', data };
}

const fieldsOf = (id: string, eventTypes: string[]) =>
  makeEndpointRecord({
    id,
    eventTypes,
    url: 'https://app.example.com:8443/hook?a=1',
    description: 'Ours',
  });

/** The record as a change makes it. */
function changed(record: EndpointRecord, fields: Partial<EndpointRecord>): EndpointRecord {
  return { ...record, ...fields, version: record.version + 1 };
}

test('what was created is found again after a restart, ready for use', async (t) => {
  const { directory, store } = await setUpDispatcher(t, { idle: true });
  await directory.create(fieldsOf('ep_1', ['email.*']), SECRETS, []);
  const later = createEndpointDirectory({
    endpoints: store.endpoints,
    secretBox: SECRET_BOX,
    defaults: DEFAULTS,
  });
  await later.load();
  for (const one of [directory, later]) {
    const live = one.find(PROJECT, 'ep_1');
    assert.ok(live !== null);
    assert.deepEqual(live.target, {
      origin: 'https://app.example.com:8443',
      path: '/hook?a=1',
      hostname: 'app.example.com',
      tls: null,
    });
    assert.equal(live.signers.length, 1);
    assert.equal(live.record.description, 'Ours');
    assert.deepEqual(one.secretsOf(live.record), SECRETS);
  }
});

test('the secret is not stored in the open, and does not open for another endpoint', async (t) => {
  const { directory, store } = await setUpDispatcher(t, { idle: true });
  const { secretsSealed } = await directory.create(fieldsOf('ep_1', ['*']), SECRETS, []);
  assert.ok(!secretsSealed.includes(SECRET.slice(6)));
  await store.endpoints.insert({ ...fieldsOf('ep_2', ['*']), secretsSealed }, []);
  const later = createEndpointDirectory({
    endpoints: store.endpoints,
    secretBox: SECRET_BOX,
    defaults: DEFAULTS,
  });
  await assert.rejects(later.load(), /does not open/);
});

test('an endpoint has its own settings, and the defaults where it says nothing', async (t) => {
  const { addEndpoint, directory } = await setUpDispatcher(t, { idle: true });
  const settings = { timeoutMs: 3_000, concurrency: 2, retryLadder: ['1s', '2m'] };
  const own = await addEndpoint({ settings: { ...settings, patienceMs: 60_000 } });
  const plain = await addEndpoint();
  const pick = ({ id }: EndpointRecord) => {
    const live = directory.find(PROJECT, id);
    assert.ok(live !== null);
    const { ladderMs, timeoutMs, concurrency, patienceMs, sender } = live;
    return { ladderMs, timeoutMs, concurrency, patienceMs, sender };
  };
  assert.deepEqual(pick(plain), DEFAULTS);
  assert.deepEqual(pick(own), {
    ladderMs: [1_000, 120_000],
    timeoutMs: 3_000,
    concurrency: 2,
    patienceMs: 60_000,
    sender: DEFAULTS.sender,
  });
});

test('matching follows types and projects, and changes from the commit on', async (t) => {
  const { directory } = await setUpDispatcher(t, { idle: true });
  const idsFor = (type: EventType, project = PROJECT): string[] =>
    directory.match(project, event(type)).map(({ record }) => record.id);
  const record = await directory.create(fieldsOf('ep_1', ['email.bounced']), SECRETS, []);
  await directory.create(fieldsOf('ep_2', ['*']), SECRETS, []);
  assert.deepEqual(idsFor('email.bounced'), ['ep_1', 'ep_2']);
  assert.deepEqual(idsFor('email.opened'), ['ep_2']);
  assert.deepEqual(idsFor('email.bounced', 'prj_other'), []);
  await directory.update(record, changed(record, { eventTypes: ['email.opened'] }));
  assert.deepEqual(idsFor('email.bounced'), ['ep_2']);
  assert.deepEqual(idsFor('email.opened'), ['ep_1', 'ep_2']);
  await directory.remove(PROJECT, 'ep_2', START_MS);
  assert.deepEqual(idsFor('email.opened'), ['ep_1']);
});

test('an endpoint hears of the others and not of itself', async (t) => {
  const { directory } = await setUpDispatcher(t, { idle: true });
  for (const id of ['ep_1', 'ep_2']) await directory.create(fieldsOf(id, ['*']), SECRETS, []);
  const idsFor = (type: EventType, data: EventData): string[] =>
    directory.match(PROJECT, event(type, data)).map(({ record }) => record.id);
  const endpoint = { id: 'ep_1', url: 'https://app.example.com' };
  assert.deepEqual(idsFor('endpoint.failing', { endpoint }), ['ep_2']);
  const exhausted = {
    event_id: 'evt_1',
    event_type: 'email.opened' as const,
    endpoint_id: 'ep_2',
    delivery_id: 'dlv_1',
    attempts: 3,
    last_error: null,
  };
  assert.deepEqual(idsFor('delivery.exhausted', { exhausted }), ['ep_1']);
});

test('listeners hear of each change once, and of none that was not stored', async (t) => {
  const { directory, engine } = await setUpDispatcher(t, { idle: true });
  const heard: string[] = [];
  directory.listen({
    saved: ({ record }) => heard.push(`saved ${record.id} ${record.status}`),
    removed: (_projectId, id) => heard.push(`removed ${id}`),
  });
  const first = await directory.create(fieldsOf('ep_1', ['*']), SECRETS, []);
  const record = await directory.update(first, changed(first, { status: 'disabled' }));
  engine.fail();
  await assert.rejects(directory.update(record, changed(record, {})));
  await assert.rejects(directory.create(fieldsOf('ep_2', ['*']), SECRETS, []));
  await assert.rejects(directory.remove(PROJECT, 'ep_1', START_MS));
  engine.recover();
  await directory.remove(PROJECT, 'ep_1', START_MS);
  assert.deepEqual(heard, ['saved ep_1 enabled', 'saved ep_1 disabled', 'removed ep_1']);
});

test('of two changes of the same version one is refused', async (t) => {
  const { directory } = await setUpDispatcher(t, { idle: true });
  const record = await directory.create(fieldsOf('ep_1', ['*']), SECRETS, []);
  await directory.update(record, changed(record, { description: 'first' }));
  const late = directory.update(record, changed(record, { description: 'second' }));
  await assert.rejects(late, { name: 'StoreConflict' });
  assert.equal(directory.find(PROJECT, 'ep_1')?.record.description, 'first');
});

test('an endpoint that is gone can be neither changed nor deleted again', async (t) => {
  const { directory } = await setUpDispatcher(t, { idle: true });
  const record = await directory.create(fieldsOf('ep_1', ['*']), SECRETS, []);
  await directory.remove(PROJECT, 'ep_1', START_MS);
  await assert.rejects(directory.update(record, changed(record, {})), { name: 'StoreConflict' });
  await assert.rejects(directory.remove(PROJECT, 'ep_1', START_MS), { name: 'StoreConflict' });
  assert.equal(directory.find(PROJECT, 'ep_1'), null);
});

test('what dispatching noticed is stored, and is no change that anybody made', async (t) => {
  const { directory, store } = await setUpDispatcher(t, { idle: true });
  const record = await directory.create(fieldsOf('ep_1', ['*']), SECRETS, []);
  const live = directory.find(PROJECT, 'ep_1');
  assert.ok(live !== null);
  const heard: string[] = [];
  directory.listen({ saved: () => heard.push('saved'), removed: () => heard.push('removed') });
  await directory.noteHealth(live, { failingSinceMs: START_MS, warnedPercent: 50 });
  const stored = await store.endpoints.get(PROJECT, 'ep_1');
  assert.deepEqual(
    [stored?.failingSinceMs, stored?.warnedPercent, stored?.version],
    [START_MS, 50, 1],
  );
  assert.deepEqual(heard, []);
  // A change that was begun before does not undo it.
  const changing = directory.update(record, changed(record, { description: 'New' }));
  await directory.noteHealth(live, { failingSinceMs: START_MS, warnedPercent: 70 });
  await changing;
  const after = await store.endpoints.get(PROJECT, 'ep_1');
  assert.deepEqual([after?.description, after?.warnedPercent], ['New', 70]);
  assert.equal(directory.find(PROJECT, 'ep_1')?.record.warnedPercent, 70);
});

test('what is stored later counts, in whatever order the store answers', async () => {
  const answers: (() => void)[] = [];
  const answer = () => new Promise<void>((resolve) => answers.push(resolve));
  const at = (i: number) => answers[i]?.();
  const directory = createEndpointDirectory({
    endpoints: {
      all: async () => [],
      get: async () => null,
      insert: async () => {},
      update: answer,
      noteHealth: async () => {},
      remove: answer,
    },
    secretBox: SECRET_BOX,
    defaults: DEFAULTS,
  });
  const first = await directory.create(fieldsOf('ep_1', ['*']), SECRETS, []);
  const second = changed(first, { description: 'Second' });
  const changing = [
    directory.update(first, second),
    directory.update(second, changed(second, { description: 'Third' })),
  ];
  at(1);
  at(0);
  await Promise.all(changing);
  const live = directory.find(PROJECT, 'ep_1');
  assert.equal(live?.record.description, 'Third');

  const last = directory.update(live.record, changed(live.record, { description: 'Fourth' }));
  const removed = directory.remove(PROJECT, 'ep_1', START_MS);
  at(3);
  await removed;
  at(2);
  await last;
  assert.equal(directory.find(PROJECT, 'ep_1'), null);
});
