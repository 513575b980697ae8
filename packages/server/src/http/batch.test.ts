import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi({ maxMessageBytes: 1_000_000 });
after(() => api.close());

const BATCH = {
  from: 'Shop <shop@sender.example>',
  subject: 'Order {{order}}',
  text: 'Hello {{name|there}}, it is on its way.',
  html: '<p>Hello {{name|there}}</p>',
  headers: { 'X-Order': '{{order}}' },
  unsubscribe: { url: 'https://sender.example/u?t={{token|none}}' },
  metadata: { campaign: 'may' },
};

const send = (body: Json) => api.send('POST', '/v1/messages/batch', { body });

async function rawOf(id: string): Promise<string> {
  return Buffer.from((await api.store.messages.raw(api.projectId, id)) ?? []).toString('latin1');
}

async function countMessages(): Promise<number> {
  return (await api.send('GET', '/v1/messages?limit=100')).body.data.length;
}

test('each personalization is a message of its own, with its values put in', async () => {
  const { status, body } = await send({
    ...BATCH,
    attachments: [{ filename: 'a.txt', content: Buffer.from('attached').toString('base64') }],
    personalizations: [
      { to: 'mila@example.com', fields: { name: '<Mila>', order: 7, token: 'a/b' } },
      { to: ['zoe@example.com'], bcc: 'us@example.com', fields: { order: 8 }, metadata: { n: 2 } },
    ],
  });
  assert.equal(status, 202);
  assert.deepEqual(
    body.data.map(({ recipients }: Json) => recipients),
    [
      [{ address: 'mila@example.com', kind: 'to' }],
      [
        { address: 'zoe@example.com', kind: 'to' },
        { address: 'us@example.com', kind: 'bcc' },
      ],
    ],
  );
  const [first, second] = await Promise.all(body.data.map(({ id }: Json) => rawOf(id)));
  assert.match(first, /^Subject: Order 7\r$/m);
  assert.match(first, /^X-Order: 7\r$/m);
  assert.match(first, /^List-Unsubscribe: <https:\/\/sender\.example\/u\?t=a%2Fb>\r$/m);
  assert.match(first, /Hello <Mila>, it is/);
  assert.match(first, /<p>Hello &lt;Mila&gt;<\/p>/);
  assert.match(second, /Hello there, it is/);
  assert.doesNotMatch(second, /Mila|us@example\.com/);
  const encoded = Buffer.from('attached').toString('base64');
  for (const raw of [first, second]) assert.ok(raw.includes(encoded));
  const ids = body.data.map(({ id }: Json) => id);
  const shown = await Promise.all(ids.map((id: string) => api.send('GET', `/v1/messages/${id}`)));
  assert.deepEqual(
    shown.map(({ body: { subject, metadata, recipients } }) => [
      subject,
      metadata,
      recipients[0].state,
    ]),
    [
      ['Order 7', { campaign: 'may' }, 'accepted'],
      ['Order 8', { campaign: 'may', n: 2 }, 'accepted'],
    ],
  );
});

test('one that is wrong keeps all back, and each is pointed at', async () => {
  const before = await countMessages();
  const answer = await send({
    ...BATCH,
    personalizations: [
      { to: 'mila@example.com', fields: { order: 7 } },
      { to: 'no address', fields: { order: 7 } },
      { to: 'zoe@example.com' },
      { fields: { order: 9 } },
      { to: 'eve@example.com', fields: { order: '7\r\nBcc: all@example.com' } },
      { to: 'ida@example.com', fields: { order: 'x'.repeat(999) } },
    ],
  });
  assertProblem(answer, 'invalid_field');
  assert.deepEqual(
    answer.body.errors.map(({ pointer }: Json) => pointer),
    [
      '/personalizations/1/to',
      '/personalizations/2/fields/order',
      '/personalizations/3/to',
      '/personalizations/4/fields',
      '/personalizations/5/fields',
    ],
  );
  assert.equal(await countMessages(), before);
});

test('what cannot be a batch is refused with the place', async () => {
  const one = { to: 'mila@example.com', fields: { order: 1 } };
  const refused: [Json, string][] = [
    [{ personalizations: [] }, '/personalizations'],
    [{ personalizations: Array(1_001).fill(one) }, '/personalizations'],
    [{ text: 'Hello {{first name}}' }, '/text'],
    [{ html: '{{{order}}}' }, '/html'],
    [{ from: 'nobody' }, '/from'],
    [{ headers: { 'Message-ID': '<same@sender.example>' } }, '/headers'],
    [
      { personalizations: [{ ...one, fields: { 'first name': 'x' } }] },
      '/personalizations/0/fields/first name',
    ],
    [
      { personalizations: [{ ...one, fields: { order: null } }] },
      '/personalizations/0/fields/order',
    ],
    [
      { personalizations: [{ ...one, metadata: { big: 'x'.repeat(5_000) } }] },
      '/personalizations/0/metadata',
    ],
  ];
  for (const [fields, pointer] of refused) {
    const answer = await send({ ...BATCH, personalizations: [one], ...fields });
    assertProblem(answer, 'invalid_field');
    assert.equal(answer.body.errors[0].pointer, pointer, answer.text.slice(0, 500));
  }
});

test('a batch that would fill the memory is refused', async () => {
  const text = 'x'.repeat(900_000);
  const personalizations = Array(80).fill({ to: 'mila@example.com' });
  const answer = await send({ from: 'shop@sender.example', text, personalizations });
  assertProblem(answer, 'too_large', /Send several batches/);
  const large = { from: 'shop@sender.example', text: '{{t}}'.repeat(101), subject: '' };
  const one = { to: 'mila@example.com', fields: { t: 'x'.repeat(10_000) } };
  assertProblem(await send({ ...large, personalizations: [one] }), 'too_large');
});

test('a batch of 1,000 is taken in one request', async () => {
  const personalizations = Array.from({ length: 1_000 }, (_, i) => ({
    to: `n${i}@example.com`,
    fields: { order: i },
  }));
  const { status, body } = await send({ ...BATCH, html: undefined, personalizations });
  assert.equal(status, 202);
  assert.equal(new Set(body.data.map(({ id }: Json) => id)).size, 1_000);
  assert.equal(body.data[999].recipients[0].address, 'n999@example.com');
  assert.match(await rawOf(body.data[999].id), /^Subject: Order 999\r$/m);
});

test('a message that is put together already goes out with its own headers', async () => {
  const raw = [
    'From: Shop <shop@sender.example>',
    'To: everybody@example.com',
    'Bcc: hidden@example.com',
    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
    'X-Posthorn-Tags: order, eu',
    '',
    'Hello.\r\n.\rEnd.',
  ].join('\n');
  const { status, body } = await api.send('POST', '/v1/messages/raw', {
    body: { raw: Buffer.from(raw).toString('base64'), to: ['mila@example.com', 'zoe@example.com'] },
  });
  assert.equal(status, 202);
  assert.deepEqual(body.recipients, [
    { address: 'mila@example.com', kind: 'envelope' },
    { address: 'zoe@example.com', kind: 'envelope' },
  ]);
  const stored = await rawOf(body.id);
  assert.match(stored, /^Received: by posthorn\.test \(Posthorn\) with HTTP id msg_/);
  assert.match(stored, /\r\nMessage-ID: </);
  assert.doesNotMatch(stored, /hidden@|X-Posthorn|[^\r]\n|\r(?!\n)/);
  assert.match(stored, /\r\n\r\nHello\.\r\n\.\r\nEnd\.$/);
  const { body: shown } = await api.send('GET', `/v1/messages/${body.id}`);
  assert.deepEqual(
    [shown.subject, shown.tags, shown.accepted_by, shown.from],
    ['Grüße', ['order', 'eu'], 'http', 'shop@sender.example'],
  );
});

test('a raw message that cannot be sent is refused with the place', async () => {
  const raw = (text: string): string => Buffer.from(text).toString('base64');
  const fine = raw('From: shop@sender.example\n\nx');
  const refused: [Json, string][] = [
    [{ raw: raw('Subject: x\n\nx'), to: 'mila@example.com' }, '/raw'],
    [{ raw: 'not base64!', to: 'mila@example.com' }, '/raw'],
    [{ raw: fine, to: ['mila@example.com', 'nobody'] }, '/to/1'],
    [{ raw: fine, to: 'mila@example.com', from: 'a b@sender.example' }, '/from'],
    [{ raw: fine, to: [] }, '/to'],
  ];
  for (const [body, pointer] of refused) {
    const answer = await api.send('POST', '/v1/messages/raw', { body });
    assertProblem(answer, 'invalid_field');
    assert.equal(answer.body.errors[0].pointer, pointer, answer.text);
  }
  const body = {
    raw: raw(`From: shop@sender.example\n\n${'x'.repeat(1_000_001)}`),
    to: 'a@b.example',
  };
  assertProblem(await api.send('POST', '/v1/messages/raw', { body }), 'too_large');
});
