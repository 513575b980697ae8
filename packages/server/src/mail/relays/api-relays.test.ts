import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { signAwsRequest } from '../../lib/network/sign-aws-request.ts';
import { createApiTransmitter } from './api-transmitter.ts';
import { parseRelays } from './parse-relays.ts';

interface Asked {
  method: string | undefined;
  path: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

interface Said {
  status: number;
  json?: unknown;
  headers?: Record<string, string>;
}

/** The API of a provider on a port of this machine. */
async function provide(t: TestContext, ...answers: Said[]) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces).toString('utf8');
    asked.push({ method: request.method, path: request.url, headers: request.headers, body });
    const { status, json = {}, headers = {} } = answers[asked.length - 1] ?? { status: 500 };
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(json));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { asked, endpoint: `http://127.0.0.1:${port}` };
}

const RAW = [
  'From: =?utf-8?q?Caf=C3=A9?= "Shop" <shop@sender.example>',
  'To: Mila <mila@example.com>, Noor <noor@example.com>',
  'Subject: Your receipt',
  'Message-ID: <1@sender.example>',
  'List-Unsubscribe: <https://sender.example/u/1>',
  'X-Order: 7',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Thank you.',
  '--b',
  'Content-Type: application/pdf; name=a.pdf',
  'Content-Disposition: attachment; filename=a.pdf',
  'Content-Transfer-Encoding: base64',
  '',
  'AAEC',
  '--b--',
  '',
].join('\r\n');

async function send(url: string, recipients = ['mila@example.com', 'noor@example.com']) {
  const [setting] = parseRelays(url);
  if (setting?.kind !== 'api') assert.fail('no API');
  const transmitter = createApiTransmitter(setting.relay, setting.url, {
    now: () => Date.parse('2026-11-22T10:00:00Z'),
    timeoutMs: 5_000,
  });
  const { results, transcript } = await transmitter.transmit({
    domain: 'example.com',
    envelopeFrom: 'shop@sender.example',
    recipients,
    raw: Buffer.from(RAW),
    smtputf8: false,
    signal: new AbortController().signal,
  });
  const brief = results.map(({ outcome, errorCode, response, providerId }) => {
    return [outcome, errorCode, response, providerId];
  });
  return { brief, results, text: transcript.map(({ text }) => text).join('\n') };
}

test('SES takes the message as it is, for the recipients of the envelope', async (t) => {
  const { asked, endpoint } = await provide(t, { status: 200, json: { MessageId: 'ses-1' } });
  const { brief, text } = await send(`ses://KEYID:s%2Fecret@eu-west-1?endpoint=${endpoint}`);
  assert.deepEqual(brief, Array(2).fill(['delivered', null, '200 OK', 'ses-1']));
  const [{ method, path, headers, body } = assert.fail()] = asked;
  assert.deepEqual([method, path], ['POST', '/v2/email/outbound-emails']);
  const json = JSON.parse(body);
  assert.deepEqual(json.Destination, { BccAddresses: ['mila@example.com', 'noor@example.com'] });
  assert.equal(Buffer.from(json.Content.Raw.Data, 'base64').toString(), RAW);
  assert.match(
    headers.authorization ?? '',
    /^AWS4-HMAC-SHA256 Credential=KEYID\/20261122\/eu-west-1\/ses\/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=[0-9a-f]{64}$/,
  );
  assert.ok(!text.includes('ecret'));
});

test('the signature is the one that AWS computes', () => {
  // Reckoned apart from this code, with openssl, from the steps of the AWS documentation.
  const { authorization } = signAwsRequest(
    {
      method: 'POST',
      url: 'https://email.us-east-1.amazonaws.com/v2/email/outbound-emails',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
      nowMs: Date.parse('2015-08-30T12:36:00Z'),
    },
    {
      keyId: 'AKIDEXAMPLE',
      secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      region: 'us-east-1',
      service: 'ses',
    },
  );
  assert.equal(
    authorization?.split('Signature=')[1],
    'b48ff115b086c4be24c0ac0d653f96545531446fa8904fa7d739e5a1a61e34c9',
  );
});

test('Mailgun takes the message as it is', async (t) => {
  const { asked, endpoint } = await provide(t, {
    status: 200,
    json: { id: '<mg-1@mg.example.com>', message: 'Queued. Thank you.' },
  });
  const url = `mailgun://:key-1@api.mailgun.net/mg.example.com?endpoint=${endpoint}`;
  const { brief } = await send(url);
  assert.deepEqual(brief[1], ['delivered', null, '200 Queued. Thank you.', 'mg-1@mg.example.com']);
  const [{ path, headers, body } = assert.fail()] = asked;
  assert.equal(path, '/v3/mg.example.com/messages.mime');
  assert.equal(headers.authorization, `Basic ${btoa('api:key-1')}`);
  assert.ok(body.includes(RAW));
  assert.equal(body.match(/name="to"/g)?.length, 2);
});

test('SendGrid gets the parts of the message, for one recipient at a time', async (t) => {
  const accepted = (id: string): Said => ({ status: 202, headers: { 'x-message-id': id } });
  const { asked, endpoint } = await provide(t, accepted('sg-1'), accepted('sg-2'));
  const { brief } = await send(`sendgrid://:SG.key@api.sendgrid.com?endpoint=${endpoint}`);
  assert.deepEqual(
    brief.map(([outcome, , , id]) => [outcome, id]),
    [
      ['delivered', 'sg-1'],
      ['delivered', 'sg-2'],
    ],
  );
  const [{ path, headers, body } = assert.fail()] = asked;
  assert.deepEqual([path, headers.authorization], ['/v3/mail/send', 'Bearer SG.key']);
  const json = JSON.parse(body);
  assert.deepEqual(json.personalizations, [{ to: [{ email: 'mila@example.com' }] }]);
  assert.equal(json.from.email, 'shop@sender.example');
  assert.equal(json.content[0].value.trim(), 'Thank you.');
  assert.deepEqual(Object.keys(json.headers).sort(), ['list-unsubscribe', 'x-order']);
  assert.deepEqual(json.attachments, [
    { content: 'AAEC', filename: 'a.pdf', type: 'application/pdf' },
  ]);
});

test('Postmark gets the parts of the message, and its codes say whose fault it was', async (t) => {
  const { asked, endpoint } = await provide(
    t,
    { status: 200, json: { ErrorCode: 0, Message: 'OK', MessageID: 'pm-1' } },
    {
      status: 422,
      json: { ErrorCode: 406, Message: 'You tried to send to an inactive recipient' },
    },
    { status: 422, json: { ErrorCode: 412, Message: 'Account is pending' } },
  );
  const url = `postmark://:token-1@api.postmarkapp.com?stream=outbound&endpoint=${endpoint}`;
  const { brief } = await send(url, ['a@example.com', 'b@example.com', 'c@example.com']);
  assert.deepEqual(brief, [
    ['delivered', null, '200 OK', 'pm-1'],
    ['refused', 'api_rejected', '422 You tried to send to an inactive recipient', undefined],
    ['deferred', 'api_failed', '422 Account is pending', undefined],
  ]);
  const [{ path, headers, body } = assert.fail()] = asked;
  assert.deepEqual([path, headers['x-postmark-server-token']], ['/email', 'token-1']);
  const json = JSON.parse(body);
  assert.deepEqual([json.To, json.MessageStream], ['a@example.com', 'outbound']);
  assert.match(json.From, /<shop@sender\.example>$/);
  assert.equal(json.Attachments[0].Content, 'AAEC');
});

for (const [status, headers, expected] of [
  [400, {}, ['refused', 'api_rejected']],
  [401, {}, ['deferred', 'auth_failed']],
  [403, {}, ['deferred', 'auth_failed']],
  [429, {}, ['deferred', 'api_throttled']],
  [400, { 'x-amzn-errortype': 'TooManyRequestsException' }, ['deferred', 'api_throttled']],
  [400, { 'x-amzn-errortype': 'SendingPausedException:x' }, ['deferred', 'api_failed']],
  [307, { location: 'http://127.0.0.1:1/' }, ['deferred', 'api_failed']],
  [503, {}, ['deferred', 'api_failed']],
] as const) {
  test(`an answer of ${status} ${JSON.stringify(headers)} is ${expected.join(', ')}`, async (t) => {
    const { endpoint } = await provide(t, { status, headers, json: { message: 'because' } });
    const { brief } = await send(`ses://KEYID:secret@eu-west-1?endpoint=${endpoint}`, ['a@b.test']);
    assert.deepEqual(brief[0]?.slice(0, 2), expected);
    assert.equal(brief[0]?.[2], `${status} because`);
  });
}

test('an API that is not reached is no answer', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const url = `ses://KEYID:secret@eu-west-1?endpoint=http://127.0.0.1:${port}`;
  const { results } = await send(url);
  const [result] = results;
  assert.deepEqual(
    [result?.outcome, result?.errorCode, result?.reachedServer],
    ['deferred', 'connection_failed', false],
  );
});

test('an API that hangs up on a request may have taken it', async (t) => {
  const server = createServer((request) => request.socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const url = `ses://KEYID:secret@eu-west-1?endpoint=http://127.0.0.1:${port}`;
  const [result] = (await send(url)).results;
  assert.deepEqual(
    [result?.outcome, result?.stage, result?.errorCode],
    ['deferred', 'reply', 'connection_lost_after_data'],
  );
});

test('relays are read in their order, and shown without secrets', () => {
  const relays = parseRelays(
    'smtps://user:pass@mail.example.com, ses://K:S@eu-west-1  mailgun://:key@api.mailgun.net/mg.example.com',
  );
  assert.deepEqual(
    relays.map(({ kind, name }) => [kind, name]),
    [
      ['smtp', 'mail.example.com:465'],
      ['api', 'ses://eu-west-1'],
      ['api', 'mailgun://api.mailgun.net/mg.example.com'],
    ],
  );
  for (const [wrong, why] of [
    ['ses://K:S@example.com', /region/],
    ['ses://:S@eu-west-1', /access key id/],
    ['mailgun://:key@api.mailgun.net', /domain/],
    ['postmark://api.postmarkapp.com', /server token/],
    ['sendgrid://api.sendgrid.com', /API key/],
    ['mandrill://:key@mandrillapp.com', /smtp:\/\//],
  ] as const) {
    assert.throws(() => parseRelays(wrong), why);
  }
});
