import assert from 'node:assert/strict';
import test from 'node:test';
import { type CanonicalEvent, type EventType, encodeSecret, importSecret } from '@posthorn/sdk';
import { createSecretBox } from '../lib/secret-box.ts';
import type { EndpointRecord } from '../store/endpoints.ts';
import { createEndpointDirectory } from './endpoint-directory.ts';
import { PROJECT, SECRET, START_MS, setUpDispatcher } from './fixtures/set-up-dispatcher.ts';

const secretBox = createSecretBox(Buffer.alloc(32, 1));

function event(type: EventType): CanonicalEvent {
  return { id: 'evt_1', type, timestamp: '', data: {} };
}

function fieldsOf(id: string, eventTypes: string[]): Omit<EndpointRecord, 'secretSealed'> {
  return {
    projectId: PROJECT,
    id,
    url: 'https://app.example.com:8443/hook?a=1',
    description: 'Ours',
    eventTypes,
    status: 'enabled',
    disabledReason: null,
    createdAtMs: START_MS,
    updatedAtMs: START_MS,
  };
}

test('what was created is found again after a restart, ready for use', async (t) => {
  const { directory, store } = await setUpDispatcher(t, { idle: true });
  await directory.create(fieldsOf('ep_1', ['email.*']), SECRET, []);
  const later = createEndpointDirectory({ endpoints: store.endpoints, secretBox });
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
    assert.ok(live.keys[0]?.equals(importSecret(SECRET)));
    assert.equal(live.record.description, 'Ours');
  }
});

test('the secret is not stored in the open, and does not open for another endpoint', async (t) => {
  const { directory, store } = await setUpDispatcher(t, { idle: true });
  const { secretSealed } = await directory.create(fieldsOf('ep_1', ['*']), SECRET, []);
  assert.ok(!secretSealed.includes(SECRET.slice(6)));
  await store.endpoints.insert({ ...fieldsOf('ep_2', ['*']), secretSealed }, []);
  const later = createEndpointDirectory({ endpoints: store.endpoints, secretBox });
  await assert.rejects(later.load(), /does not open/);
});

test('matching follows types and projects, and changes from the commit on', async (t) => {
  const { directory } = await setUpDispatcher(t, { idle: true });
  const idsFor = (type: EventType, project = PROJECT): string[] =>
    directory.match(project, event(type)).map(({ record }) => record.id);
  const record = await directory.create(fieldsOf('ep_1', ['email.bounced']), SECRET, []);
  await directory.create(fieldsOf('ep_2', ['*']), SECRET, []);
  assert.deepEqual(idsFor('email.bounced'), ['ep_1', 'ep_2']);
  assert.deepEqual(idsFor('email.opened'), ['ep_2']);
  assert.deepEqual(idsFor('email.bounced', 'prj_other'), []);
  await directory.update({ ...record, eventTypes: ['email.opened'] });
  assert.deepEqual(idsFor('email.bounced'), ['ep_2']);
  assert.deepEqual(idsFor('email.opened'), ['ep_1', 'ep_2']);
  await directory.remove(PROJECT, 'ep_2', START_MS);
  assert.deepEqual(idsFor('email.opened'), ['ep_1']);
});

test('listeners hear of each change once, and of none that was not stored', async (t) => {
  const { directory, engine } = await setUpDispatcher(t, { idle: true });
  const heard: string[] = [];
  directory.listen({
    saved: ({ record }) => heard.push(`saved ${record.id} ${record.status}`),
    removed: (_projectId, id) => heard.push(`removed ${id}`),
  });
  const record = await directory.create(fieldsOf('ep_1', ['*']), SECRET, []);
  await directory.update({ ...record, status: 'disabled' });
  engine.fail();
  await assert.rejects(directory.update(record));
  await assert.rejects(directory.create(fieldsOf('ep_2', ['*']), SECRET, []));
  await assert.rejects(directory.remove(PROJECT, 'ep_1', START_MS));
  engine.recover();
  await directory.remove(PROJECT, 'ep_1', START_MS);
  assert.deepEqual(heard, ['saved ep_1 enabled', 'saved ep_1 disabled', 'removed ep_1']);
});

test('an endpoint that is gone can be neither changed nor deleted again', async (t) => {
  const { directory } = await setUpDispatcher(t, { idle: true });
  const record = await directory.create(
    fieldsOf('ep_1', ['*']),
    encodeSecret(Buffer.alloc(24)),
    [],
  );
  await directory.remove(PROJECT, 'ep_1', START_MS);
  await assert.rejects(directory.update(record), { name: 'StoreConflict' });
  await assert.rejects(directory.remove(PROJECT, 'ep_1', START_MS), { name: 'StoreConflict' });
  assert.equal(directory.find(PROJECT, 'ep_1'), null);
});
