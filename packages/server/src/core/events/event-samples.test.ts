import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classifyReply } from '@posthorn/bounce';
import { EVENT_TYPES, type EventType, standingOf } from '@posthorn/sdk';
import { isId, parseDeliveryId } from '../ids.ts';
import { COMMON_FIELDS, EVENT_CATALOGUE } from './event-catalogue.ts';
import { sampleEvent } from './event-samples.ts';

const ID = 'evt_01M7ZP27YYSGFWD5FYXB75Q5B6';
const AT_MS = Date.UTC(2026, 10, 21, 18, 31, 57, 662);

const sample = (type: EventType) => sampleEvent(type, { id: ID, atMs: AT_MS });

/** Each text in the value. */
function* texts(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) yield* texts(item);
  }
}

for (const type of EVENT_TYPES) {
  test(`the sample of ${type} is marked, and has the fields that its type may have`, () => {
    const { data, ...event } = sample(type);
    assert.deepEqual(event, { id: ID, type, timestamp: '2026-11-21T18:31:57.662Z' });
    assert.equal(data.test, true);
    const allowed: readonly string[] = [...COMMON_FIELDS, ...EVENT_CATALOGUE[type].blocks];
    for (const field of Object.keys(data)) assert.ok(allowed.includes(field), field);
  });

  test(`the sample of ${type} names nobody and no machine of anybody`, () => {
    for (const text of texts(sample(type))) {
      for (const [, domain = ''] of text.matchAll(/[@/]((?:[a-z0-9-]+\.)+[a-z]{2,})\b/g)) {
        assert.match(domain, /(^|\.)example\.(com|net|org)$/, text);
      }
      for (const [address] of text.matchAll(/\b\d+\.\d+\.\d+\.\d+\b/g)) {
        assert.match(address, /^(192\.0\.2|198\.51\.100|203\.0\.113)\./, text);
      }
    }
  });

  test(`the sample of ${type} is in a state that its type can lead to`, () => {
    const { state, previous_state, sequence } = sample(type).data;
    const standing = standingOf(type, 0);
    if (standing !== null) assert.equal(state, standing.state);
    assert.equal(state === undefined, sequence === undefined);
    if (sequence !== undefined) assert.equal(previous_state === null, sequence === 1);
  });
}

test('the fields of a type that no other has are in its sample', () => {
  const isShared = (field: string) =>
    EVENT_TYPES.filter((type) => EVENT_CATALOGUE[type].blocks.some((one) => one === field)).length >
    1;
  for (const type of EVENT_TYPES) {
    const own = EVENT_CATALOGUE[type].blocks.filter((field) => !isShared(field));
    for (const field of own) assert.ok(Object.hasOwn(sample(type).data, field), `${type} ${field}`);
  }
});

test('a sample names what it is given, and otherwise ids that are such', () => {
  const given = sampleEvent('delivery.exhausted', {
    id: ID,
    atMs: AT_MS,
    aboutEventId: 'evt_01M7ZP27T2KJBPHH20WF4KZFDV',
    endpoint: { id: 'ep_01M7ZNS0NZPB6Y2FYEX43R1GN0', url: 'https://hooks.example.com/' },
  }).data.exhausted;
  assert.equal(given?.event_id, 'evt_01M7ZP27T2KJBPHH20WF4KZFDV');
  assert.deepEqual(parseDeliveryId(given.delivery_id), {
    eventId: given.event_id,
    endpointId: 'ep_01M7ZNS0NZPB6Y2FYEX43R1GN0',
  });
  const alone = sample('delivery.exhausted').data.exhausted;
  assert.ok(alone && isId('event', alone.event_id) && isId('endpoint', alone.endpoint_id));
  assert.notEqual(alone.event_id, ID);
  assert.ok(isId('message', sample('email.sent').data.message?.id ?? ''));
  const test = sampleEvent('system.test', {
    id: ID,
    atMs: AT_MS,
    endpoint: { id: 'ep_1', url: 'https://hooks.example.com/', description: '', uid: null },
  });
  const { id, url, description, uid } = test.data.endpoint ?? {};
  assert.deepEqual([id, url, description, uid], ['ep_1', 'https://hooks.example.com/', '', null]);
});

test('the replies are such as our own classification reads them', () => {
  const { delivery, bounce } = sample('email.bounced').data;
  const verdict = classifyReply({
    code: delivery?.smtp_code ?? null,
    enhancedCode: delivery?.enhanced_code ?? null,
    text: delivery?.response ?? '',
    stage: 'rcpt',
  });
  const { type, category, scope, description } = bounce ?? {};
  assert.partialDeepStrictEqual(verdict, { type, category, scope, description, temporary: false });
});
