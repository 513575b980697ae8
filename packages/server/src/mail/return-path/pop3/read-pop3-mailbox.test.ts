import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type Peer, startScriptedServer } from '../../../smtp/fixtures/scripted-server.ts';
import { TEST_CERTIFICATE } from '../../../smtp/fixtures/test-certificate.ts';
import { type Dovecot, dovecotMissing, startDovecot } from '../../fixtures/dovecot.ts';
import { composeDsn, setUpReturnPath } from '../../fixtures/set-up-return-path.ts';
import { parseMailboxUrl } from '../parse-mailbox-url.ts';
import type { TakenMail } from '../report-taker.ts';
import { createPop3MailboxReader } from './read-pop3-mailbox.ts';

const MILA = 'mila@example.com';

describe('reading a mailbox of Dovecot by POP3', { skip: dovecotMissing() }, () => {
  let dovecot: Dovecot;
  before(async () => {
    dovecot = await startDovecot();
  });
  after(() => dovecot?.stop());

  const urlOf = (pass = dovecot.pass) =>
    `pop3://${encodeURIComponent(dovecot.user)}:${encodeURIComponent(pass)}@127.0.0.1:${dovecot.pop3Port}`;

  test('reports are deleted once they are stored; other mail stays and is read once', async (t) => {
    if (dovecot.pop3Port === null) return t.skip('dovecot-pop3d is not installed');
    const mail = await setUpReturnPath(t, { settings: { bounceMailbox: urlOf() } });
    const id = await mail.send(MILA);
    await mail.untilAll('delivered');
    const { mailbox } = mail;
    assert.ok(mailbox);
    const note = 'From: a@b.example\r\nSubject: Hello\r\n\r\n.How are you?\r\n';
    await dovecot.deliver(note);
    await dovecot.deliver(
      `Delivered-To: ${mail.returnPathOf(MILA)}\r\n${composeDsn({ recipient: MILA })}`,
    );
    mail.engine.fail();
    await assert.rejects(mailbox.round(), /bounce_mailbox at 127\.0\.0\.1/);
    assert.equal((await dovecot.mails('INBOX')).length, 2);
    mail.engine.recover();
    assert.equal(await mailbox.round(), 60_000);
    assert.equal((await mail.typesOf(id)).at(-1), 'bounced');
    assert.deepEqual(
      (await dovecot.mails('INBOX')).map(({ raw }) => raw),
      [note],
    );
    const count = mail.taken.length;
    await mailbox.round();
    assert.equal(mail.taken.length, count);
  });

  test('a wrong password fails the round and nothing else', async (t) => {
    if (dovecot.pop3Port === null) return t.skip('dovecot-pop3d is not installed');
    const place = parseMailboxUrl(urlOf('wrong'));
    const reader = createPop3MailboxReader({ place, everyMs: 1, take: async () => 'unwanted' });
    await assert.rejects(reader.round(), /the password was refused: .*Authentication failed/);
  });
});

/** A server with these mails; `say` changes what it answers to a command. */
async function serve(
  t: TestContext,
  mails: readonly string[],
  say: (line: string, peer: Peer) => Promise<string | null> | string | null = () => null,
) {
  const removed = new Set<number>();
  const server = await startScriptedServer(async (peer) => {
    peer.send('+OK ready\r\n');
    const marked = new Set<number>();
    for (let line = await peer.line(); line !== null; line = await peer.line()) {
      const [verb = '', number = ''] = line.split(' ');
      const own = await say(line, peer);
      if (own !== null) peer.send(own);
      else if (verb === 'STLS') {
        peer.send('+OK go\r\n');
        await peer.startTls();
      } else if (verb === 'UIDL') {
        const there = mails.map((_, i) => i + 1).filter((one) => !removed.has(one));
        peer.send(`+OK\r\n${there.map((one) => `${one} uid${one}\r\n`).join('')}.\r\n`);
      } else if (verb === 'RETR') {
        peer.send(`+OK\r\n${mails[Number(number) - 1]?.replaceAll(/^\./gm, '..')}\r\n.\r\n`);
      } else {
        if (verb === 'DELE') marked.add(Number(number));
        if (verb === 'QUIT') for (const one of marked) removed.add(one);
        peer.send('+OK\r\n');
        if (verb === 'QUIT') return peer.drop();
      }
    }
  });
  t.after(() => server.close());
  const taken: string[] = [];
  const readerOf = (url: string, take?: (raw: string) => TakenMail) =>
    createPop3MailboxReader({
      place: parseMailboxUrl(url),
      everyMs: 9,
      ca: TEST_CERTIFICATE.cert,
      async take(raw) {
        const text = Buffer.from(raw).toString('latin1');
        taken.push(text);
        return take?.(text) ?? (text.startsWith('report') ? 'recorded' : 'unwanted');
      },
    });
  const url = `pop3://u:p@127.0.0.1:${server.port}`;
  return { ...server, removed, taken, readerOf, url };
}

test('dots at the beginning of lines are the mail’s own', async (t) => {
  const server = await serve(t, ['a\r\n.\r\n..b\r\n', 'report']);
  assert.equal(await server.readerOf(server.url).round(), 9);
  assert.deepEqual(server.taken, ['a\r\n.\r\n..b\r\n\r\n', 'report\r\n']);
  assert.deepEqual([...server.removed], [2]);
});

test('fifty mails are read in a round, and the rest at once behind it', async (t) => {
  const server = await serve(
    t,
    Array.from({ length: 51 }, () => 'report'),
  );
  const reader = server.readerOf(server.url);
  assert.equal(await reader.round(), 0);
  assert.equal(server.removed.size, 50);
  assert.equal(await reader.round(), 9);
  assert.equal(server.removed.size, 51);
});

test('what was stored before a fault is deleted all the same', async (t) => {
  const server = await serve(t, ['report', 'report two', 'report three']);
  const reader = server.readerOf(server.url, (raw) => {
    if (raw.startsWith('report two')) throw new Error('the store is down');
    return 'recorded';
  });
  await assert.rejects(reader.round(), /the store is down/);
  assert.deepEqual([...server.removed], [1]);
});

test('STLS comes before the password where the host is another machine, and its certificate counts', async (t) => {
  const server = await serve(t, ['report']);
  const [, address] = server.url.split('@');
  const secured = server.readerOf(`pop3://u:p@${address}?require_tls=true`);
  await secured.round();
  assert.deepEqual(server.lines[0]?.slice(0, 3), ['STLS', 'USER u', 'PASS p']);
  const refusing = await serve(t, [], (line) => (line === 'STLS' ? '-ERR no TLS here\r\n' : null));
  const reader = refusing.readerOf(`${refusing.url}?require_tls=true`);
  await assert.rejects(reader.round(), /STLS \(TLS\) was refused: no TLS here/);
  assert.deepEqual(refusing.lines.flat(), ['STLS']);
  const stranger = createPop3MailboxReader({
    place: parseMailboxUrl(`pop3://u:p@${address}?require_tls=true`),
    everyMs: 1,
    take: async () => 'unwanted',
  });
  await assert.rejects(stranger.round(), /certificate/);
});

test('a server without UIDL, and one that hangs up, fail the round', async (t) => {
  const old = await serve(t, [], (line) => (line === 'UIDL' ? '-ERR what?\r\n' : null));
  await assert.rejects(old.readerOf(old.url).round(), /UIDL was refused: what\?/);
  const gone = await serve(t, ['report'], (line, peer) => {
    if (line.startsWith('RETR')) peer.drop();
    return null;
  });
  await assert.rejects(gone.readerOf(gone.url).round(), /closed the connection/);
});

test('whatever a server says, the round ends', async (t) => {
  const word = fc.oneof(
    fc.constantFrom('+OK\r\n', '-ERR\r\n', '.\r\n', '1 a\r\n', '\n', '+OK', '1 \u0000\r\n'),
    fc.string({ unit: 'binary', maxLength: 50 }),
  );
  let script: string[] = [];
  const server = await startScriptedServer(async (peer) => {
    for (const one of script) peer.send(Buffer.from(one, 'latin1'));
    peer.drop();
  });
  t.after(() => server.close());
  const place = parseMailboxUrl(`pop3://u:p@127.0.0.1:${server.port}`);
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 12 }), async (words) => {
      script = words;
      const reader = createPop3MailboxReader({ place, everyMs: 9, take: async () => 'unwanted' });
      await reader.round().catch((error: Error) => assert.match(error.message, /^bounce_mailbox/));
    }),
    { numRuns: 60 },
  );
});
