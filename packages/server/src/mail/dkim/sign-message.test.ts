import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { composeMessage } from '../compose-message.ts';
import { sampleInput } from '../fixtures/set-up-mail.ts';
import { createBodyHash } from './body-hash.ts';
import { dkimRecord, generateKey, readPrivateKey } from './generate-keys.ts';
import { DKIM_ALGORITHMS, type DkimSigningKey, signMessage } from './sign-message.ts';

const DOMAIN = 'sender.example';
const NOW_MS = Date.UTC(2026, 10, 21, 16);
const records = new Map<string, string>();
const keys: DkimSigningKey[] = [];
for (const algorithm of DKIM_ALGORITHMS) {
  const made = await generateKey(algorithm);
  const selector = `ph-${algorithm}`;
  keys.push({ algorithm, selector, privateKey: readPrivateKey(made.privateKey) });
  records.set(`${selector}._domainkey.${DOMAIN}`, dkimRecord(algorithm, made.publicKey));
}
const signed = (raw: Buffer): Promise<Buffer> =>
  signMessage(raw, { domain: DOMAIN, keys, nowMs: NOW_MS });

/** What mailauth says of each signature, by its algorithm. */
async function verdicts(message: Buffer): Promise<Record<string, string>> {
  const { results } = await dkimVerify(message, {
    resolver: async (name: string) => [[records.get(name) ?? '']],
  });
  return Object.fromEntries(results.map(({ algo, status }) => [String(algo), status.result]));
}

const GOOD = { 'rsa-sha256': 'pass', 'ed25519-sha256': 'pass' };

test('both signatures of a composed message pass at mailauth', async () => {
  const input = sampleInput({
    subject: 'Grüße aus Köln, und ein Betreff, der so lang ist, dass er umgebrochen wird 🙂',
    html: '<p>Thank   you.</p>',
    attachments: [
      { filename: 'x.bin', content: randomBytes(100_000), contentType: null, contentId: null },
    ],
  });
  const raw = await composeMessage(input, { smtpId: '<1@sender.example>', nowMs: NOW_MS });
  assert.deepEqual(await verdicts(await signed(raw)), GOOD);
});

test('fields that are put before a message are signed with it, as if they had stood there', async () => {
  const raw = await sample();
  const end = raw.indexOf('\r\n', raw.indexOf('Message-ID:')) + 2;
  const options = { domain: DOMAIN, keys, nowMs: NOW_MS };
  for (const cut of [0, raw.indexOf('Message-ID:'), end]) {
    const [top, rest] = [raw.subarray(0, cut), raw.subarray(cut)];
    assert.deepEqual(await signMessage(rest, { ...options, top }), await signed(raw));
  }
  const top = Buffer.from('Received: by us\r\n');
  const none = Buffer.from('no message');
  assert.equal(String(await signMessage(none, { ...options, top })), `${top}${none}`);
});

test('a change to the body, to a signed header, or one more From, fails both', async () => {
  const text = (await signed(await sample())).toString('latin1');
  for (const changed of [
    text.replace('Thank you', 'Fank you'),
    text.replace('Subject: Your', 'Subject: My'),
    text.replace('\r\nFrom:', '\r\nFrom: Eve <eve@evil.example>\r\nFrom:'),
    text.replace('\r\nSubject:', '\r\nReply-To: eve@evil.example\r\nSubject:'),
    `${text}\r\nOne line more.\r\n`,
  ]) {
    assert.notEqual(changed, text);
    const found = await verdicts(Buffer.from(changed, 'latin1'));
    assert.equal(Object.keys(found).length, 2);
    assert.ok(!Object.values(found).includes('pass'));
  }
});

test('both headers of one-click unsubscribing are signed, nothing is cut off, and lines stay short', async () => {
  const raw = await sample([
    { name: 'List-Unsubscribe', value: '<https://u.example/x>' },
    { name: 'List-Unsubscribe-Post', value: 'List-Unsubscribe=One-Click' },
  ]);
  const header = (await signed(raw)).toString('latin1').split('\r\nFrom:')[0] ?? '';
  const unfolded = header.replace(/\r\n /g, '');
  assert.match(unfolded, /h=[^;]*list-unsubscribe:list-unsubscribe-post[:;]/);
  assert.doesNotMatch(unfolded, /\bl=/);
  for (const line of header.split('\r\n')) assert.ok(line.length <= 78, line);
  assert.deepEqual(await verdicts(await signed(raw)), GOOD);
});

test('odd messages are signed too: no body, white space, long white space, 8-bit text, no line end', async () => {
  const head = 'From: a@sender.example\r\nSubject:  folded \r\n\t subject \r\nX-Odd : x\r\n';
  for (const body of [
    '',
    '\r\n',
    '\r\n\r\n\r\n',
    ' \r\n',
    'a \t b\t\r\n \r\n',
    'Grüße',
    'x\r\ny',
  ]) {
    const raw = Buffer.from(`${head}\r\n${body}`);
    assert.deepEqual(await verdicts(await signed(raw)), GOOD, JSON.stringify(body));
  }
});

const odd = fc.string({
  unit: fc.constantFrom(' ', '\t', '\r\n', 'a', 'ü', '\r', '\n'),
  maxLength: 60,
});

test('any body with proper line ends passes', async () => {
  await fc.assert(
    fc.asyncProperty(odd, async (body) => {
      const proper = body.replace(/\r(?!\n)|(?<!\r)\n/g, '');
      const raw = Buffer.from(`From: a@sender.example\r\n\r\n${proper}`);
      assert.deepEqual(await verdicts(await signed(raw)), GOOD);
    }),
    { numRuns: 60 },
  );
});

/** RFC 6376 3.4.4, as one would write it for a text in memory. */
function hashSimply(body: string): string {
  const lines = body.replace(/[ \t]+(?=\r\n|$)/g, '').replace(/[ \t]+/g, ' ');
  const cut = lines.replace(/(\r\n)+$/, '');
  const relaxed = cut === '' ? '' : `${cut}\r\n`;
  return createHash('sha256').update(relaxed).digest('base64');
}

test('the body is hashed the same however it is cut', () => {
  fc.assert(
    fc.property(odd, fc.array(fc.nat(20)), (text, cuts) => {
      const body = text.replace(/\r(?!\n)|(?<!\r)\n/g, '');
      const bytes = Buffer.from(body);
      const hash = createBodyHash();
      let at = 0;
      for (const size of cuts) {
        hash.update(bytes.subarray(at, at + size));
        at += size;
      }
      hash.update(bytes.subarray(at));
      assert.equal(hash.digest(), hashSimply(body));
    }),
  );
});

test('what is no message comes back as it was', async () => {
  const rubbish = Buffer.from('no header section at all');
  assert.equal(await signed(rubbish), rubbish);
});

test('OpenDKIM agrees', {
  skip: hasOpenDkim() ? false : 'opendkim is not installed',
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-dkim-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const published = [...records].map(([name, record]) => `${name} ${record}\n`).join('');
  await writeFile(join(folder, 'keys'), published);
  await writeFile(
    join(folder, 'opendkim.conf'),
    `Mode v\nTestPublicKeys ${join(folder, 'keys')}\nSyslog no\nAlwaysAddARHeader yes\n`,
  );
  await writeFile(join(folder, 'mail'), await signed(await sample()));
  const run = promisify(execFile);
  const args = ['-x', join(folder, 'opendkim.conf'), '-t', join(folder, 'mail'), '-vvv'];
  const { stdout } = await run('opendkim', args);
  assert.match(stdout, /verification \(s=ph-(rsa|ed25519).* succeeded|dkim=pass/, stdout);
  assert.doesNotMatch(stdout, /fail/i);
});

function hasOpenDkim(): boolean {
  try {
    execFileSync('opendkim', ['-V'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

function sample(headers: { name: string; value: string }[] = []): Promise<Buffer> {
  const options = { smtpId: '<1@sender.example>', nowMs: NOW_MS };
  return composeMessage(sampleInput({ headers }), options);
}
