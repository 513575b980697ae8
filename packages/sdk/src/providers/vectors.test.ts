/** The signatures that providers, their SDKs and others publish. They lie outside of the project. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ahasend } from './ahasend.ts';
import { requestOf } from './fixtures/describe-provider.ts';
import { mailersend } from './mailersend.ts';
import { mailgun } from './mailgun.ts';
import { mailomat } from './mailomat.ts';
import { mailtrap } from './mailtrap.ts';
import { mandrill } from './mandrill.ts';
import type { Provider, VerifyContext } from './provider.ts';
import { resend } from './resend.ts';
import { sendgrid } from './sendgrid.ts';
import { ses } from './ses.ts';
import { readHttpSignatures } from './shared/verify/http-signature.ts';
import { importPublicKeys, isSignedBy } from './shared/verify/public-keys.ts';
import { standard } from './standard.ts';

const folder = new URL('../../../../../shared/corpora/signatures/', import.meta.url);
const skip = existsSync(folder) ? false : 'allowed: the folder shared/corpora is not here';

interface Vector {
  name: string;
  secret: string;
  headers: Record<string, string>;
  body: string;
  [field: string]: unknown;
}

const vectors = (name: string): Vector[] => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
const text = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

async function accepts(
  provider: Provider,
  input: Parameters<typeof requestOf>[0],
  context: Partial<VerifyContext>,
): Promise<void> {
  const { covers } = await provider.verify(requestOf(input), { nowMs: 0, secrets: [], ...context });
  assert.notEqual(covers, 'none');
}

const seconds = (value: unknown): number => Number(value) * 1_000;

test('AhaSend', { skip }, async () => {
  for (const { headers, body, secret_raw_utf8 } of vectors('ahasend.json')) {
    await accepts(
      ahasend,
      { headers, body },
      { secrets: [text(secret_raw_utf8)], nowMs: seconds(headers['webhook-timestamp']) },
    );
  }
});

test('MailerSend', { skip }, async () => {
  for (const { headers, body, secret } of vectors('mailersend.json'))
    await accepts(mailersend, { headers, body }, { secrets: [secret] });
});

test('Mailgun', { skip }, async () => {
  for (const { signing_key, timestamp, token, signature } of vectors('mailgun.json')) {
    const body = {
      signature: { timestamp, token, signature },
      'event-data': { event: 'accepted' },
    };
    await accepts(mailgun, { body }, { secrets: [text(signing_key)], nowMs: seconds(timestamp) });
  }
});

test('Mailomat', { skip }, async () => {
  for (const { headers, secret } of vectors('mailomat.json')) {
    await accepts(
      mailomat,
      { headers, body: '{}' },
      { secrets: [secret], nowMs: seconds(headers['X-MOM-Webhook-Timestamp']) },
    );
  }
});

test('Mailtrap', { skip }, async () => {
  for (const { headers, body, secret } of vectors('mailtrap.json'))
    await accepts(mailtrap, { headers, body }, { secrets: [secret] });
});

test('Mandrill', { skip }, async () => {
  for (const { headers, webhook_key, url, params } of vectors('mandrill.json')) {
    const body = new URLSearchParams(params as Record<string, string>).toString();
    const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
    await accepts(
      mandrill,
      { headers: form, body },
      { secrets: [text(webhook_key)], url: text(url) },
    );
    assert.equal(mandrill.decode(requestOf({ headers: form, body }))[0]?.type, 'email.received');
  }
});

test('SendGrid', { skip }, async () => {
  for (const { public_key, timestamp, signature, body } of vectors('sendgrid.json')) {
    const headers = {
      'X-Twilio-Email-Event-Webhook-Signature': text(signature),
      'X-Twilio-Email-Event-Webhook-Timestamp': text(timestamp),
    };
    await accepts(
      sendgrid,
      { headers, body },
      { secrets: [text(public_key)], nowMs: seconds(timestamp) },
    );
  }
});

test('Amazon SNS, really signed by Amazon', { skip }, async () => {
  for (const { certificate_pem, message } of vectors('sns.json')) {
    const topic = (message as { TopicArn: string }).TopicArn;
    const fetchKey = async () => text(certificate_pem);
    await accepts(ses, { body: message }, { secrets: [topic], fetchKey });
    await accepts(ses, { body: message }, { secrets: [topic, text(certificate_pem)] });
  }
});

test('Standard Webhooks, v1 and v1a', { skip }, async () => {
  for (const { id, timestamp, signature, body, secret, public_key } of vectors(
    'standard-webhooks.json',
  )) {
    const headers = {
      'webhook-id': text(id),
      'webhook-timestamp': String(timestamp),
      'webhook-signature': text(signature),
    };
    await accepts(
      standard,
      { headers, body },
      { secrets: [text(public_key ?? secret)], nowMs: seconds(timestamp) },
    );
  }
});

test('Resend', { skip }, async () => {
  for (const { headers, body, secret } of vectors('svix-resend.json')) {
    await accepts(
      resend,
      { headers, body },
      { secrets: [secret], nowMs: seconds(headers['svix-timestamp']) },
    );
  }
});

test('RFC 9421, B.2.6', { skip }, () => {
  for (const vector of vectors('rfc9421-ed25519.json')) {
    const [head = '', body = ''] = text(vector['request']).split('\n\n');
    const [line = '', ...lines] = head.split('\n');
    const [method = '', url = ''] = line.split(' ');
    const headers = Object.fromEntries(lines.map((one) => one.split(/: (.*)/).slice(0, 2)));
    const request = requestOf({
      method,
      url,
      body,
      headers: {
        ...headers,
        'signature-input': text(vector['signature_input']),
        signature: text(vector['signature']),
      },
    });
    const [signature] = readHttpSignatures(request);
    assert.ok(signature);
    assert.equal(signature.base, vector['signature_base']);
    const [key] = importPublicKeys(text(vector['public_key_pem']));
    assert.ok(key && isSignedBy(key.key, null, Buffer.from(signature.base), signature.signature));
  }
});
