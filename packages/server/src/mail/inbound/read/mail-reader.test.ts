import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { sealMessage } from 'mailauth';
import { systemClock } from '../../../lib/clock.ts';
import { dkimRecord, generateKey, readPrivateKey } from '../../dkim/generate-keys.ts';
import { signMessage } from '../../dkim/sign-message.ts';
import type { MailEnvelope } from './authenticate-mail.ts';
import { createMailReader } from './mail-reader.ts';

const ENVELOPE: MailEnvelope = {
  from: 'jane@sender.test',
  remoteAddress: '192.0.2.1',
  helo: 'mx.sender.test',
  hostname: 'mx.posthorn.test',
};

const KEY = await generateKey('ed25519');

const DNS: Record<string, string[][]> = {
  'TXT sender.test': [['v=spf1 ip4:192.0.2.1 -all']],
  'TXT s1._domainkey.sender.test': [[dkimRecord('ed25519', KEY.publicKey)]],
  'TXT s1._domainkey.list.test': [[dkimRecord('ed25519', KEY.publicKey)]],
  'TXT _dmarc.sender.test': [['v=DMARC1; p=reject']],
};

/** What DNS was asked in one test, and how it fails there. */
let asked: string[] = [];
let fault: string | null = null;
/** One thread for all tests: its start is what takes time. */
const reader = createMailReader({
  clock: systemClock,
  async resolve(name, type) {
    asked.push(`${type} ${name}`);
    const found = fault === null ? DNS[`${type} ${name}`] : undefined;
    if (found !== undefined) return found;
    throw Object.assign(new Error('no answer'), { code: fault ?? 'ENOTFOUND' });
  },
});
beforeEach(() => {
  asked = [];
  fault = null;
});
after(() => reader.close());

const MAIL = [
  'From: =?utf-8?q?Jane_D=C3=B6e?= <jane@sender.test>',
  'To: Support <support+17@in.test>, Friends: a@b.test, c@d.test;',
  'Cc: e@f.test',
  'Reply-To: reply@sender.test',
  'Subject: =?utf-8?b?SGVsbMO2?=',
  'Message-ID: <1@sender.test>',
  'In-Reply-To: <0@in.test>',
  'References: <a@in.test> <0@in.test>',
  'Date: Fri, 20 Nov 2026 10:14:00 +0100',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: multipart/alternative; boundary=c',
  '',
  '--c',
  'Content-Type: text/plain; charset=iso-8859-1',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Sch=F6n.',
  '',
  'On Fri, 20 Nov 2026, Shop <shop@in.test> wrote:',
  '> old',
  '--c',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Schön.</p>',
  '--c--',
  '--b',
  'Content-Type: application/pdf; name="=?utf-8?q?Rechnung_=C3=84.pdf?="',
  'Content-Transfer-Encoding: base64',
  'Content-Disposition: attachment',
  '',
  'SGVsbG8=',
  '--b',
  'Content-Type: image/png',
  'Content-Disposition: inline; filename=logo.png',
  'Content-ID: <logo@x>',
  'Content-Transfer-Encoding: base64',
  '',
  'iVBORw0KGgo=',
  '--b--',
  '',
].join('\r\n');

test('reads people, texts, files and the reply', async () => {
  const { mail } = await reader.read(Buffer.from(MAIL), ENVELOPE);
  assert.deepEqual(mail.from, { address: 'jane@sender.test', name: 'Jane Döe' });
  assert.deepEqual(
    mail.to.map(({ address }) => address),
    ['support+17@in.test', 'a@b.test', 'c@d.test'],
  );
  assert.deepEqual(mail.cc, [{ address: 'e@f.test', name: null }]);
  assert.deepEqual(mail.replyTo, [{ address: 'reply@sender.test', name: null }]);
  assert.deepEqual(
    [mail.subject, mail.messageId, mail.inReplyTo, mail.references, mail.dateMs],
    [
      'Hellö',
      '<1@sender.test>',
      '<0@in.test>',
      ['<a@in.test>', '<0@in.test>'],
      Date.UTC(2026, 10, 20, 9, 14),
    ],
  );
  assert.match(mail.text ?? '', /^Schön\./);
  assert.equal(mail.html?.trim(), '<p>Schön.</p>');
  assert.equal(mail.replyText, 'Schön.');
  assert.deepEqual(mail.headers[5], { name: 'Message-ID', value: '<1@sender.test>' });
  assert.deepEqual(mail.attachments, [
    {
      number: 1,
      filename: 'Rechnung Ä.pdf',
      content_type: 'application/pdf',
      size_bytes: 5,
      content_id: null,
      inline: false,
    },
    {
      number: 2,
      filename: 'logo.png',
      content_type: 'image/png',
      size_bytes: 8,
      content_id: '<logo@x>',
      inline: true,
    },
  ]);
});

test('gives one file by its number, and none where there is none', async () => {
  const file = await reader.file(Buffer.from(MAIL), 1);
  assert.equal(Buffer.from(file?.content ?? []).toString(), 'Hello');
  for (const number of [0, 3, -1]) assert.equal(await reader.file(Buffer.from(MAIL), number), null);
});

test('a Message-ID is none of ours, whatever a stranger writes there', async () => {
  for (const [given, expected] of [
    ['<a@b.test>', '<a@b.test>'],
    ['msg_01JZ8Q4N2M5X7V3C9B6H1D0K8T', '<msg_01JZ8Q4N2M5X7V3C9B6H1D0K8T>'],
    ['< a@b.test > x', '<a@b.test>'],
    ['<>', null],
  ] as const) {
    const { messageId } = await reader.words(Buffer.from(`Message-ID: ${given}\r\n\r\nHi`));
    assert.equal(messageId, expected, given);
  }
});

test('a mail with HTML alone has a text of it', async () => {
  const raw = 'Content-Type: text/html\r\n\r\n<p>Yes.</p><blockquote><p>old</p></blockquote>';
  const mail = await reader.words(Buffer.from(raw));
  assert.match(mail.text ?? '', /Yes\./);
  assert.equal(mail.replyText, 'Yes.');
});

test('a signed mail from the right address passes SPF, DKIM and DMARC', async () => {
  const signed = await signMessage(Buffer.from(MAIL), {
    domain: 'sender.test',
    keys: [{ algorithm: 'ed25519', selector: 's1', privateKey: readPrivateKey(KEY.privateKey) }],
    nowMs: Date.UTC(2026, 10, 20),
  });
  const { authentication } = await reader.read(signed, ENVELOPE);
  assert.deepEqual(authentication, {
    spf: { result: 'pass', domain: 'sender.test' },
    dkim: {
      result: 'pass',
      signatures: [{ result: 'pass', domain: 'sender.test', selector: 's1', aligned: true }],
    },
    dmarc: { result: 'pass', domain: 'sender.test', policy: 'reject' },
    arc: { result: 'none', domain: null },
  });
  assert.ok(asked.includes('TXT sender.test'));
});

test('a forwarder that seals what it changes is named, and a seal that does not fit is worth nothing', async () => {
  const privateKey = readPrivateKey(KEY.privateKey).export({ type: 'pkcs8', format: 'pem' });
  const changed = Buffer.from(MAIL.replace('Subject: ', 'Subject: [list] '));
  const seal = await sealMessage(changed, {
    signingDomain: 'list.test',
    selector: 's1',
    cv: 'none',
    authResults: 'list.test; dmarc=pass',
    privateKey,
  });
  const fromList = { ...ENVELOPE, from: 'list@list.test', remoteAddress: '198.51.100.9' };
  const read = (raw: Buffer) => reader.read(Buffer.concat([seal, raw]), fromList);
  const { authentication: sealed } = await read(changed);
  assert.deepEqual(
    [sealed.arc, sealed.dmarc.result],
    [{ result: 'pass', domain: 'list.test' }, 'fail'],
  );
  const { authentication: broken } = await read(Buffer.from(MAIL));
  assert.deepEqual(broken.arc, { result: 'fail', domain: 'list.test' });
});

test('a forged mail fails', async () => {
  const forged = { ...ENVELOPE, remoteAddress: '198.51.100.9' };
  const { authentication } = await reader.read(Buffer.from(MAIL), forged);
  assert.deepEqual(
    [authentication.spf.result, authentication.dkim, authentication.dmarc.result],
    ['fail', { result: 'none', signatures: [] }, 'fail'],
  );
});

test('where DNS gives no answer nothing is held against the mail', async () => {
  fault = 'ETIMEOUT';
  const { authentication } = await reader.read(Buffer.from(MAIL), ENVELOPE);
  assert.equal(authentication.spf.result, 'temperror');
  assert.notEqual(authentication.dmarc.result, 'fail');
});

test('a mail that would make us ask without end does not', async () => {
  const signature = (n: number): string =>
    `DKIM-Signature: v=1; a=rsa-sha256; d=d${n}.test; s=s; h=from; bh=AAAA; b=AAAA`;
  const many = Array.from({ length: 500 }, (_, n) => signature(n)).join('\r\n');
  const { authentication } = await reader.read(Buffer.from(`${many}\r\n${MAIL}`), ENVELOPE);
  assert.ok(asked.length <= 60, `${asked.length} questions`);
  assert.equal(authentication.dkim.signatures.length, 10);
});

test('what takes too long is given up, and the next mail is read', async () => {
  const timers: (() => void)[] = [];
  const question = Promise.withResolvers<void>();
  const stuck = createMailReader({
    clock: {
      after(_ms, call) {
        timers.push(call);
        return () => {};
      },
    },
    resolve() {
      question.resolve();
      return new Promise(() => {});
    },
  });
  const reading = stuck.read(Buffer.from(MAIL), ENVELOPE);
  await question.promise;
  timers[0]?.();
  await assert.rejects(reading, /too long/);
  assert.equal((await stuck.words(Buffer.from(MAIL))).subject, 'Hellö');
  await stuck.close();
  await assert.rejects(stuck.words(Buffer.from(MAIL)), /closed/);
});

test('any bytes give a mail', async () => {
  const damage = fc.record({ at: fc.nat(MAIL.length), length: fc.nat(120), put: fc.uint8Array() });
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { maxLength: 6 }), async (damages) => {
      let raw = Buffer.from(MAIL);
      for (const { at, length, put } of damages) {
        raw = Buffer.concat([raw.subarray(0, at), put, raw.subarray(at + length)]);
      }
      const { mail } = await reader.read(raw, ENVELOPE);
      await Promise.all(mail.attachments.map(({ number }) => reader.file(raw, number)));
    }),
    { numRuns: 60 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (raw) => {
      await reader.read(raw, ENVELOPE);
    }),
    { numRuns: 60 },
  );
});
