import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { type CanonicalEvent, EVENT_TYPES, type EventData } from '@posthorn/sdk';
import fc from 'fast-check';
import { sampleEvent } from './event-samples.ts';
import { redactEventBody } from './redact-event.ts';

const KEY: Uint8Array = Buffer.from('a key of the endpoint');
const hashOf = (address: string, key = KEY) =>
  `sha256:${createHmac('sha256', key).update(address).digest('hex')}`;
const HASH = hashOf('jane.doe@example.com');

function eventWith(data: EventData): CanonicalEvent {
  const id = 'evt_01M7ZP27YYSGFWD5FYXB75Q5B6';
  return { id, type: 'email.bounced', timestamp: '2026-11-21T16:00:00.000Z', data };
}

function redact(data: EventData, mode: 'hash' | 'remove' = 'hash', key = KEY): EventData {
  return JSON.parse(redactEventBody(JSON.stringify(eventWith(data)), mode, key)).data;
}

const recipient = 'jane.doe@example.com';

test('the recipient becomes a hash or nothing, and its domain stays', () => {
  assert.deepEqual(redact({ recipient }), { recipient: HASH, recipient_domain: 'example.com' });
  assert.deepEqual(redact({ recipient }, 'remove'), {
    recipient: null,
    recipient_domain: 'example.com',
  });
});

test('the same address has the same hash, and another address or key has not', () => {
  const hash = (address: string, key = KEY) =>
    redact({ recipient: address }, 'hash', key).recipient;
  assert.equal(hash('jane.doe@EXAMPLE.com'), HASH);
  assert.equal(hash('jane@bücher.example'), hash('jane@xn--bcher-kva.example'));
  assert.notEqual(hash('Jane.Doe@example.com'), HASH);
  assert.notEqual(hash(recipient, Buffer.from('another key')), HASH);
});

test('the server does not give the address away, nor the part before the @', () => {
  const replies: [string, string][] = [
    ['550 5.1.1 <jane.doe@example.com>: User unknown', `550 5.1.1 <${HASH}>: User unknown`],
    ['550 Jane.Doe@Example.COM unknown', `550 ${HASH} unknown`],
    ['552 mailbox jane.doe is full', `552 mailbox ${HASH} is full`],
    ['552 “jane.doe” is full', `552 “${HASH}” is full`],
    ['550 jane.doeé and xjane.doe', '550 jane.doeé and xjane.doe'],
    ['550 ajane.doe@example.com jane.doe@example.comjane.doe', `550 a${HASH} ${HASH}jane.doe`],
    ['550 janet.doesn does not exist', '550 janet.doesn does not exist'],
  ];
  for (const [response, expected] of replies) {
    const bounce = {
      type: 'hard',
      category: 'invalid_address',
      scope: 'recipient',
      description: response,
    } as const;
    const data = redact({ recipient, delivery: { attempt: 1, response }, bounce });
    assert.deepEqual(data.delivery, { attempt: 1, response: expected });
    assert.deepEqual(data.bounce, { ...bounce, description: expected });
  }
  const removed = redact({ recipient, delivery: { response: '<jane.doe@example.com>' } }, 'remove');
  assert.equal(removed.delivery?.response, '<[recipient]>');
});

test('a server that names the mailbox behind a plus is heard as well', () => {
  const data = redact({
    recipient: 'jane+shop@example.com',
    delivery: { response: '550 jane@example.com and jane+shop@example.com, mailbox jane' },
  });
  const hash = hashOf('jane+shop@example.com');
  assert.equal(data.delivery?.response, `550 ${hash} and ${hash}, mailbox ${hash}`);
});

test('links, metadata, tags and the payload of the provider do not give it away', () => {
  const engagement = {
    url: 'https://example.com/?u=jane.doe%40example.com&r=jane.doe%2540example.com',
  };
  const raw = {
    'jane.doe@example.com': [
      { to: 'Jane <JANE.DOE@example.com>', verp: 'b+jane.doe=example.com@x' },
    ],
    type: 'jane.doe',
    count: 2,
    none: null,
  };
  const metadata = { email: recipient, order: 5 };
  const data = redact(
    { recipient, engagement, raw, metadata, tags: [`to:${recipient}`] },
    'remove',
  );
  assert.deepEqual(data, {
    recipient: null,
    engagement: { url: 'https://example.com/?u=[recipient]&r=[recipient]' },
    raw: {
      '[recipient]': [{ to: 'Jane <[recipient]>', verp: 'b+[recipient]@x' }],
      type: 'jane.doe',
      count: 2,
      none: null,
    },
    metadata: { email: '[recipient]', order: 5 },
    tags: ['to:[recipient]'],
    recipient_domain: 'example.com',
  });
});

test('an address of an IDN is found in both of its forms', () => {
  for (const address of ['jane@bücher.example', 'jane@xn--bcher-kva.example']) {
    const response = '550 jane@bücher.example jane@xn--bcher-kva.example';
    const url = 'https://example.com/jane%40b%C3%BCcher.example';
    const data = redact(
      { recipient: address, delivery: { response }, engagement: { url } },
      'remove',
    );
    assert.equal(data.delivery?.response, '550 [recipient] [recipient]');
    assert.equal(data.engagement?.url, 'https://example.com/[recipient]');
    assert.equal(data.recipient_domain, 'xn--bcher-kva.example');
  }
});

test('an event without a recipient stays byte for byte', () => {
  for (const type of EVENT_TYPES) {
    const event = sampleEvent(type, { id: 'evt_01M7ZP27YYSGFWD5FYXB75Q5B6', atMs: 0 });
    const body = JSON.stringify(event);
    const redacted = redactEventBody(body, 'remove', KEY);
    if (event.data.recipient === undefined) assert.equal(redacted, body);
    else assert.ok(!redacted.includes(event.data.recipient ?? ''), redacted);
  }
  const body = '{"data": {"recipient": null}, "id": "x"}';
  assert.equal(redactEventBody(body, 'hash', KEY), body);
});

test('what is no address is replaced where it stands as the recipient, and nowhere else', () => {
  for (const word of ['postmaster', 'a@', '@example.com']) {
    const data = redact({ recipient: word, delivery: { response: `550 ${word} a @ b` } }, 'remove');
    assert.equal(data.recipient, null);
    assert.equal(data.delivery?.response, `550 ${word} a @ b`);
  }
});

test('an address that begins in what looks like one is found', () => {
  const response = '550 ababa@example.com xa-a-a@example.com İ ABA@EXAMPLE.COM';
  const redacted = (address: string) =>
    redact({ recipient: address, delivery: { response } }, 'remove').delivery?.response;
  const rest = 'xa-a-a@example.com İ [recipient]';
  assert.equal(redacted('aba@example.com'), `550 ab[recipient] ${rest}`);
  assert.match(redacted('a-a@example.com') ?? '', / xa-\[recipient\] /);
  assert.doesNotMatch(JSON.stringify(redact({ recipient: 'ΑΣ@x.test', tags: ['ασ@x.test'] })), /@/);
});

test('a short part before the @ is a word as well, and stays in the reply', () => {
  const response = '550 jo is not jo@example.com';
  const data = redact({ recipient: 'jo@example.com', delivery: { response } }, 'remove');
  assert.equal(data.delivery?.response, '550 jo is not [recipient]');
});

test('what was redacted before keeps its domain', () => {
  const data = redact({ recipient: HASH, recipient_domain: 'example.com' });
  assert.equal(data.recipient_domain, 'example.com');
  assert.equal(data.recipient, hashOf(HASH));
});

test('whatever the address and the text, the address is gone and the rest is as it was', () => {
  const local = fc
    .string({ unit: fc.constantFrom(...'abXY09.+-_$*(|[^é"\\ '), minLength: 1, maxLength: 12 })
    .filter((text) => !text.startsWith('+'));
  const domain = fc.constantFrom('example.com', 'Mail.Example.ORG', 'bücher.example');
  // No character of it is in an address, so that no address comes about at a seam.
  const around = fc.string({ unit: fc.constantFrom(...'<>:;,!#~'), maxLength: 10 });
  fc.assert(
    fc.property(local, domain, around, around, fc.boolean(), (name, at, before, after, upper) => {
      const address = `${name}@${at}`;
      const shown = upper ? address.toUpperCase() : address;
      const url = `${before}${encodeURIComponent(address)}${after}`;
      const raw = { text: `${before}${shown}${after}` };
      const data = redact({ recipient: address, raw, engagement: { url } }, 'remove');
      assert.deepEqual(data.raw, { text: `${before}[recipient]${after}` });
      assert.equal(data.engagement?.url, `${before}[recipient]${after}`);
    }),
    { numRuns: 1_000 },
  );
});
