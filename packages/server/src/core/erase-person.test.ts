import assert from 'node:assert/strict';
import test from 'node:test';
import { EVENT_TYPES } from '@posthorn/sdk';
import fc from 'fast-check';
import { createPerson, eraseFromEvent } from './erase-person.ts';
import { sampleEvent } from './events/event-samples.ts';

const ANNA = 'Anna.Meier+shop@Example.com';
const anna = createPerson(ANNA);

/** What SQL's LIKE does with a pattern of letters, digits and `%`. */
function isLike(text: string, pattern: string): boolean {
  const parts = pattern.split('%').map((part) => part.replace(/[^a-z0-9]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text.toLowerCase());
}

test('knows the address in every case, and no other', () => {
  assert.ok(anna.has('anna.meier+shop@example.com'));
  assert.ok(anna.has('ANNA.MEIER+SHOP@EXAMPLE.COM'));
  assert.ok(!anna.has('anna.meier@example.com'));
  assert.ok(!anna.has(null));
  assert.ok(createPerson('a@bücher.example').has('A@xn--bcher-kva.example'));
});

test('finds every text that it would change, in all forms that an address has', () => {
  const addresses = [ANNA, 'a_b%c@x-y.example', "o'neil@example.com", 'ü@bücher.example'];
  for (const address of addresses) {
    const person = createPerson(address);
    const [local = '', domain = ''] = [address.split('@')[0], address.split('@')[1]];
    const forms = [
      address,
      address.toUpperCase(),
      encodeURIComponent(address),
      `${local}=${domain}`,
      `https://x.test/?u=${encodeURIComponent(encodeURIComponent('@'))}`,
    ];
    fc.assert(
      fc.property(fc.constantFrom(...forms), fc.string(), fc.string(), (form, before, after) => {
        const text = JSON.stringify(`${before} ${form} ${after}`);
        if (person.replace(text) !== text) assert.ok(isLike(text, person.pattern), text);
      }),
    );
    assert.notEqual(person.replace(address), address);
  }
});

test('leaves of an event nothing that tells of its recipient, whatever its type', () => {
  const secret = 'tell-tale';
  for (const type of EVENT_TYPES) {
    const sample = sampleEvent(type, { id: `evt_${'0'.repeat(26)}`, atMs: 0 });
    const data = {
      ...sample.data,
      recipient: ANNA,
      recipient_domain: 'example.com',
      message: { id: 'msg_1', smtp_id: '<a@shop.test>', from: secret, subject: secret },
      metadata: { customer: secret },
      tags: [secret],
      raw: { anything: secret },
      ...(sample.data.delivery && {
        delivery: { ...sample.data.delivery, response: secret, mx: secret, remote_ip: secret },
      }),
      ...(sample.data.engagement && {
        engagement: { ...sample.data.engagement, ip: secret, url: secret, user_agent: secret },
      }),
      ...(sample.data.bounce && { bounce: { ...sample.data.bounce, description: secret } }),
    };
    const body = JSON.stringify({ ...sample, data });
    const erased = eraseFromEvent(body, ANNA, anna) ?? '';
    assert.doesNotMatch(erased, /tell-tale|anna|example\.com/i, sample.type);
    const event = JSON.parse(erased);
    assert.deepEqual(
      [event.id, event.type, event.timestamp],
      [sample.id, sample.type, sample.timestamp],
    );
    assert.equal(event.data.erased, true);
    assert.equal(event.data.recipient, null);
    assert.deepEqual(event.data.message, { id: 'msg_1', smtp_id: '<a@shop.test>' });
    assert.equal(Object.keys(event).at(-1), 'data');
    // What tells nothing of a person still tells of the mail.
    assert.equal(event.data.delivery?.smtp_code, sample.data.delivery?.smtp_code);
    assert.equal(event.data.bounce?.category, sample.data.bounce?.category);
    assert.equal(eraseFromEvent(erased, null, anna), null, 'a second time finds nothing');
  }
});

test('takes the address out of events about others, and leaves those without it', () => {
  const event = (data: object) =>
    JSON.stringify({ id: 'evt_1', type: 'email.sent', timestamp: '2026-11-21T16:00:00Z', data });
  const data = { recipient: 'bert@b.test', metadata: { 'anna.meier+shop@example.com': [ANNA] } };
  const replaced = { recipient: 'bert@b.test', metadata: { '[erased]': ['[erased]'] } };
  assert.equal(eraseFromEvent(event(data), 'bert@b.test', anna), event(replaced));
  for (const other of [
    'joanna.meier+shop@example.com',
    'x-anna.meier+shop@example.com',
    'x.anna.meier+shop@example.com',
    'anna.meier@example.com',
    'anna.meier+shop@example.company',
    'anna.meier+shop@example.com.au',
    'anna.meier+shop@example.com-x.test',
    'x.anna.meier+shop=example.com@lists.test',
  ]) {
    const about = event({ recipient: 'bert@b.test', metadata: { to: other } });
    assert.equal(eraseFromEvent(about, 'bert@b.test', anna), null, other);
  }
});

test('takes the address out of whatever text it stands in', () => {
  for (const [before, after] of [
    ['<', '>'],
    ['mailto:', '.'],
    ['to=', '&x=1'],
    ['%3C', '%3E'],
    ['first line\\n', ', then'],
    ['\\u003c', '\\u003e'],
    ['', ''],
  ]) {
    assert.equal(anna.replace(`${before}${ANNA}${after}`), `${before}[erased]${after}`);
  }
  const path = 'bounces+anna.meier+shop=example.com@shop.test';
  assert.equal(anna.replace(path), 'bounces+[erased]@shop.test');
});

test('leaves nothing of a mail that the person wrote to somebody', () => {
  const sample = sampleEvent('email.received', { id: `evt_${'0'.repeat(26)}`, atMs: 0 });
  const { inbound, message } = sample.data;
  const data = {
    ...sample.data,
    recipient: 'support@shop.test',
    message: { ...message, id: null, from: ANNA },
    inbound: { ...inbound, id: 'rcv_1', text: 'tell-tale', from: { address: ANNA } },
  };
  const erased = eraseFromEvent(JSON.stringify({ ...sample, data }), 'support@shop.test', anna);
  assert.doesNotMatch(erased ?? '', /tell-tale|anna|support@/i);
  assert.equal(JSON.parse(erased ?? '').data.erased, true);
});
