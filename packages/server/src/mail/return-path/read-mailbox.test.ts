import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { silentLog } from '../../lib/log.ts';
import { type Dovecot, dovecotMissing, startDovecot } from '../fixtures/dovecot.ts';
import { composeComplaint, composeDsn, setUpReturnPath } from '../fixtures/set-up-return-path.ts';
import { parseMailboxUrl } from './parse-mailbox-url.ts';
import { createMailboxReader } from './read-mailbox.ts';

const MILA = 'mila@example.com';

describe('reading a mailbox of Dovecot', { skip: dovecotMissing() }, () => {
  let dovecot: Dovecot;
  before(async () => {
    dovecot = await startDovecot();
  });
  after(() => dovecot?.stop());

  const urlOf = (folder: string, pass = dovecot.pass) =>
    `imap://${encodeURIComponent(dovecot.user)}:${encodeURIComponent(pass)}@127.0.0.1:${dovecot.port}/${folder}`;

  async function sent(t: TestContext, done: string) {
    const settings = { bounceMailbox: urlOf('INBOX'), bounceMailboxDone: done };
    const mail = await setUpReturnPath(t, { settings });
    const id = await mail.send(MILA);
    await mail.untilAll('delivered');
    const { mailbox } = mail;
    if (mailbox === null) throw new Error('no mailbox was set');
    return { ...mail, mailbox, id, returnPath: mail.returnPathOf(MILA) };
  }

  test('reports become events and are moved away; other mail stays, and stays unseen', async (t) => {
    const mail = await sent(t, 'Done');
    const dsn = composeDsn({ recipient: MILA });
    const complaint = composeComplaint({ returned: [`Return-Path: <${mail.returnPath}>`] });
    const note = 'From: a@b.example\r\nSubject: Hello\r\n\r\nHow are you?\r\n';
    await dovecot.deliver(`Delivered-To: ${mail.returnPath}\r\n${dsn}`);
    await dovecot.deliver(note);
    await dovecot.deliver(complaint);
    assert.equal(await mail.mailbox.round(), 60_000);
    assert.deepEqual(mail.taken, ['recorded', 'unwanted', 'recorded']);
    assert.deepEqual((await mail.typesOf(mail.id)).slice(-2), ['bounced', 'complained']);
    assert.equal((await dovecot.mails('Done')).length, 2);
    assert.deepEqual(await dovecot.mails('INBOX'), [{ flags: '', raw: note }]);
    await mail.mailbox.round();
    assert.equal(mail.taken.length, 3);
  });

  test('what the store does not take stays in the mailbox, and is read again', async (t) => {
    const mail = await sent(t, 'Later');
    await dovecot.deliver(`Delivered-To: ${mail.returnPath}\r\n${composeDsn({ recipient: MILA })}`);
    mail.engine.fail();
    await assert.rejects(mail.mailbox.round());
    assert.equal((await dovecot.mails('Later')).length, 0);
    mail.engine.recover();
    await mail.mailbox.round();
    assert.equal((await mail.typesOf(mail.id)).at(-1), 'bounced');
    assert.equal((await dovecot.mails('Later')).length, 1);
  });

  test('a report that is read twice, since nobody could move it, is one event', async (t) => {
    const mail = await sent(t, 'Twice');
    const raw = Buffer.from(
      `Delivered-To: ${mail.returnPath}\r\n${composeDsn({ recipient: MILA })}`,
    );
    await dovecot.deliver(raw.toString());
    await mail.mailbox.round();
    await dovecot.deliver(raw.toString());
    await mail.mailbox.round();
    assert.equal((await dovecot.mails('Twice')).length, 2);
    const types = await mail.typesOf(mail.id);
    assert.equal(types.filter((type) => type === 'bounced').length, 1);
  });

  test('a wrong password, and a folder that is not there, fail the round and nothing else', async () => {
    for (const [url, why] of [
      [urlOf('INBOX', 'wrong'), /bounce_mailbox at 127\.0\.0\.1: Authentication failed/],
      [urlOf('Nowhere'), /bounce_mailbox at 127\.0\.0\.1: Mailbox doesn't exist: Nowhere/],
    ] as const) {
      const reader = createMailboxReader({
        place: parseMailboxUrl(url),
        done: 'Done',
        everyMs: 1_000,
        take: async () => 'unwanted',
        log: silentLog,
      });
      await assert.rejects(reader.round(), why);
    }
  });

  test('a password does not go out in the clear to another machine', async () => {
    const place = { ...parseMailboxUrl(urlOf('INBOX')), requireTls: true };
    const take = async () => 'unwanted' as const;
    const reader = createMailboxReader({ place, done: 'Done', everyMs: 1, take, log: silentLog });
    await assert.rejects(reader.round(), /STARTTLS/);
  });
});

test('the place of a mailbox is a URL', () => {
  assert.deepEqual(
    parseMailboxUrl('imaps://bounces%40a.example:p%2Fw@imap.a.example/Bounces%2FIn'),
    {
      protocol: 'imap',
      host: 'imap.a.example',
      port: 993,
      secure: true,
      requireTls: true,
      user: 'bounces@a.example',
      pass: 'p/w',
      folder: 'Bounces/In',
    },
  );
  const plain = parseMailboxUrl('imap://u:p@mail.example');
  assert.deepEqual([plain.port, plain.requireTls, plain.folder], [143, true, 'INBOX']);
  assert.equal(parseMailboxUrl('imap://u:p@127.0.0.1').requireTls, false);
  assert.equal(parseMailboxUrl('imap://u:p@mail.example?require_tls=false').requireTls, false);
  const pop = parseMailboxUrl('pop3s://u:p@pop.example');
  assert.deepEqual([pop.protocol, pop.port, pop.secure, pop.folder], ['pop3', 995, true, 'INBOX']);
  assert.deepEqual(
    [
      parseMailboxUrl('pop3://u:p@pop.example').port,
      parseMailboxUrl('pop3://u:p@[::1]').requireTls,
    ],
    [110, false],
  );
  assert.throws(() => parseMailboxUrl('pop3s://u:p@pop.example/Bounces'), /no folders/);
  assert.throws(() => parseMailboxUrl('https://u:p@pop.example'), /begins with imaps/);
  assert.throws(() => parseMailboxUrl('imap://u@mail.example'), /password/);
  assert.throws(() => parseMailboxUrl('imaps://u:%zz@mail.example'), /encoded/);
});
