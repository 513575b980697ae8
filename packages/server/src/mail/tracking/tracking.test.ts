import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import PostalMime from 'postal-mime';
import { newProject } from '../../store/projects.ts';
import { dkimContext } from '../../store/sealed-values.ts';
import { dkimRecord, generateKey } from '../dkim/generate-keys.ts';
import { PROJECT, sampleInput, setUpMail } from '../fixtures/set-up-mail.ts';
import type { MessageInput } from '../message-input.ts';

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const READER = { ip: '203.0.113.9', userAgent: BROWSER };
const HTML = '<a href="https://shop.example/1">1</a> <a href="https://shop.example/2">2</a>';
const TRACKED = { html: HTML, tracking: { opens: true, clicks: true } };

type Mail = Awaited<ReturnType<typeof setUpMail>>;

async function send(mail: Mail, fields: Partial<MessageInput>): Promise<string> {
  const accepted = await mail.acceptor.acceptInput(PROJECT, sampleInput(fields), () => []);
  await mail.untilAll('delivered');
  return accepted.messageId;
}

/** The tokens of the copies that went out: open, click, unsubscribe. */
function tokensOf(mail: Mail, letter: 'o' | 'c' | 'u'): string[] {
  return mail.transmitter.jobs.flatMap(({ raw }) => {
    const text = Buffer.from(raw).toString('latin1').replaceAll('=\r\n', '');
    return [...text.matchAll(new RegExp(`/t/${letter}/([\\w-]+)`, 'g'))].map(
      ([, one]) => one ?? '',
    );
  });
}

function readToken<K extends 'open' | 'click' | 'unsubscribe'>(mail: Mail, kind: K, index = 0) {
  const letter = ({ open: 'o', click: 'c', unsubscribe: 'u' } as const)[kind];
  const ref = mail.trackingRoom.tokens.read(tokensOf(mail, letter)[index] ?? '');
  if (ref?.kind !== kind) throw new Error(`no ${kind} token`);
  return ref as Extract<typeof ref, { kind: K }>;
}

/** Domain of sampleInput, with a key, and its tracking record as DNS has it. */
async function addDomain(mail: Mail): Promise<string> {
  const made = await generateKey('ed25519');
  const about = { projectId: PROJECT, id: mail.ids.next('domain'), name: 'sender.example' };
  const key = { projectId: PROJECT, domainId: about.id, selector: 'ph1' };
  const nowMs = mail.clock.now();
  const host = 'links.sender.example';
  const record = { purpose: 'tracking', name: host, type: 'CNAME', required: false } as const;
  const records = [{ ...record, expected: null, status: 'ok', found: null, detail: null } as const];
  const domain = {
    ...about,
    settings: { returnPath: 'bounces', tracking: 'links' },
    version: 1,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    verifiedAtMs: nowMs,
    checkedAtMs: nowMs,
    check: { records, failing: [], failingSinceMs: null },
  };
  await mail.store.projects.insert(newProject(PROJECT, 'Test', nowMs), []);
  const privateSealed = mail.secretBox.seal(made.privateKey, dkimContext(key));
  const stored = {
    ...key,
    algorithm: 'ed25519',
    state: 'active',
    publicKey: made.publicKey,
  } as const;
  await mail.engine.commit({
    events: [],
    statements: mail.store.domains.insertion(domain, [
      { ...stored, privateSealed, createdAtMs: nowMs, retiredAtMs: null },
    ]),
  });
  await mail.directory.load();
  return dkimRecord('ed25519', made.publicKey);
}

test('recipients of one message get copies of their own, each in a transaction, signed as it goes out', async (t) => {
  const mail = await setUpMail(t);
  const record = await addDomain(mail);
  const to = ['mila@example.com', 'jo@example.com'].map((email) => ({ email, name: null }));
  await send(mail, {
    ...TRACKED,
    to,
    stream: 'broadcast',
    unsubscribe: { url: null, mailto: null, hosted: true },
  });
  const { jobs } = mail.transmitter;
  assert.deepEqual(
    jobs.map(({ recipients }) => recipients),
    [['mila@example.com'], ['jo@example.com']],
  );
  for (const [i, { raw }] of jobs.entries()) {
    const bytes = Buffer.from(raw);
    const { results } = await dkimVerify(bytes, { resolver: async () => [[record]] });
    assert.deepEqual(
      results.map(({ status }) => status.result),
      ['pass'],
    );
    assert.match(
      bytes.toString().split('\r\n\r\n')[0] ?? '',
      /h=[^;]*list-unsubscribe:[\s]*list-unsubscribe-post/i,
    );
    assert.match(
      (await PostalMime.parse(bytes)).html ?? '',
      /href="https:\/\/links\.sender\.example\/t\/c\//,
    );
    assert.equal(readToken(mail, 'open', i).recipient, to[i]?.email);
  }
});

test('a message that is not tracked goes as it was stored, in one transaction', async (t) => {
  const mail = await setUpMail(t);
  const to = ['mila@example.com', 'jo@example.com'].map((email) => ({ email, name: null }));
  const id = await send(mail, { to, html: HTML });
  assert.equal(mail.transmitter.jobs.length, 1);
  const stored = await mail.store.messages.raw(PROJECT, id);
  assert.deepEqual(Buffer.from(mail.transmitter.jobs[0]?.raw ?? []), Buffer.from(stored ?? []));
});

test('the project decides where the message says nothing, and the message where it does', async (t) => {
  const mail = await setUpMail(t, { sending: { trackOpens: true, unsubscribePage: true } });
  await send(mail, { html: HTML, tracking: { opens: false, clicks: true } });
  assert.deepEqual([tokensOf(mail, 'o').length, tokensOf(mail, 'c').length], [0, 2]);
  await send(mail, { html: HTML, stream: 'broadcast' });
  assert.deepEqual([tokensOf(mail, 'o').length, tokensOf(mail, 'u').length], [1, 1]);
});

test('SMTP asks by headers, which are not sent on', async (t) => {
  const mail = await setUpMail(t);
  const submit = (header: string) =>
    mail.acceptor.acceptRaw(PROJECT, {
      keyMode: 'live',
      envelopeFrom: 'shop@sender.example',
      recipients: ['mila@example.com'],
      raw: Buffer.from(
        `From: shop@sender.example\r\n${header}\r\nContent-Type: text/html\r\n\r\n${HTML}\r\n`,
      ),
    });
  await submit('X-Posthorn-Tracking: clicks\r\nX-Posthorn-Unsubscribe: page');
  await mail.untilAll('delivered');
  assert.deepEqual(
    ['o', 'c', 'u'].map((one) => tokensOf(mail, one as 'o').length),
    [0, 2, 1],
  );
  assert.doesNotMatch(Buffer.from(mail.transmitter.jobs[0]?.raw ?? []).toString(), /X-Posthorn/i);
  await assert.rejects(submit('X-Posthorn-Tracking: everything'), /none, or words of these/);
  await assert.rejects(submit('X-Posthorn-Unsubscribe: please'), /is page or none/);
});

test('nobody is tracked while nobody has said where this server is; who asks is told', async (t) => {
  const mail = await setUpMail(t, { publicUrl: null, sending: { trackOpens: true } });
  await send(mail, { html: HTML });
  assert.equal(tokensOf(mail, 'o').length, 0);
  await assert.rejects(send(mail, TRACKED), { code: 'invalid_field' });
});

test('opens and clicks are first, then repeated; the same at once is one', async (t) => {
  const mail = await setUpMail(t);
  const id = await send(mail, TRACKED);
  const { recorder } = mail.trackingRoom;
  const open = readToken(mail, 'open');
  const click = readToken(mail, 'click', 1);
  await mail.clock.advance(60_000);
  await Promise.all([recorder.record(open, READER), recorder.record(open, READER)]);
  await recorder.record(click, READER);
  await mail.clock.advance(9_000);
  assert.equal(await recorder.record(click, READER), null);
  await mail.clock.advance(20_000);
  await recorder.record(open, READER);
  await recorder.record(click, READER);
  const events = (await mail.eventsOf(id)).filter(({ data }) => data.engagement !== undefined);
  const shown = events.map(({ type, data: { engagement } }) => [type, engagement?.first]);
  assert.deepEqual(shown, [
    ['email.opened', true],
    ['email.clicked', true],
    ['email.opened', false],
    ['email.clicked', false],
  ]);
  assert.deepEqual(events[1]?.data.engagement, {
    url: 'https://shop.example/2',
    link_id: '2',
    ip: READER.ip,
    user_agent: BROWSER,
    client: null,
    first: true,
    machine: false,
    machine_reason: null,
  });
});

test('a machine that was there first leaves the first open to the person', async (t) => {
  const mail = await setUpMail(t);
  const id = await send(mail, TRACKED);
  const { recorder } = mail.trackingRoom;
  const open = readToken(mail, 'open');
  await recorder.record(open, { ...READER, userAgent: 'Mozilla/5.0' });
  await mail.clock.advance(60_000);
  await recorder.record(open, READER);
  const found = (await mail.eventsOf(id)).flatMap(({ data }) => data.engagement ?? []);
  assert.deepEqual(
    found.map(({ first, machine, machine_reason: reason }) => [first, machine, reason]),
    [
      [true, true, 'apple_mpp'],
      [true, false, null],
    ],
  );
});

test('without readers kept, an event has neither address nor program, and still the verdict', async (t) => {
  const mail = await setUpMail(t, { sending: { keepReaders: false } });
  const id = await send(mail, TRACKED);
  await mail.trackingRoom.recorder.record(readToken(mail, 'open'), {
    ...READER,
    userAgent: 'curl/8',
  });
  const [engagement] = (await mail.eventsOf(id)).flatMap(({ data }) => data.engagement ?? []);
  assert.deepEqual(engagement, {
    ip: null,
    user_agent: null,
    client: null,
    first: true,
    machine: true,
    machine_reason: 'program',
  });
});

test('who leaves is on the list of that stream, once, and off it when he comes back', async (t) => {
  const mail = await setUpMail(t);
  const hosted = { url: null, mailto: null, hosted: true };
  const id = await send(mail, { stream: 'broadcast', unsubscribe: hosted });
  const { unsubscriber } = mail.trackingRoom;
  const ref = readToken(mail, 'unsubscribe');
  await Promise.all([
    unsubscriber.leave(ref, 'one-click', READER),
    unsubscriber.leave(ref, 'one-click', READER),
  ]);
  await unsubscriber.leave(ref, 'link', READER);
  assert.equal(await unsubscriber.hasLeft(ref), true);
  const entry = { projectId: PROJECT, address: 'mila@example.com', stream: 'broadcast' } as const;
  const at = await mail.store.suppressions.at(entry, mail.clock.now());
  assert.deepEqual([at?.reason, at?.source], ['unsubscribe', 'posthorn']);
  await unsubscriber.comeBack(ref, READER);
  await unsubscriber.comeBack(ref, READER);
  assert.equal(await unsubscriber.hasLeft(ref), false);
  const types = (await mail.typesOf(id)).filter((type) => type.includes('subscribed'));
  assert.deepEqual(types, ['unsubscribed', 'resubscribed']);
});

test('when the message is gone, opens are forgotten and who wants to leave still does', async (t) => {
  const mail = await setUpMail(t);
  const { recorder, unsubscriber } = mail.trackingRoom;
  const copy = {
    projectId: PROJECT,
    messageId: mail.ids.next('message'),
    recipient: 'mila@example.com',
  };
  assert.equal(await recorder.record({ kind: 'open', ...copy }, READER), null);
  const ref = {
    kind: 'unsubscribe',
    ...copy,
    stream: 'broadcast',
    from: 'shop@sender.example',
  } as const;
  await unsubscriber.leave(ref, 'one-click', READER);
  assert.equal(await unsubscriber.hasLeft(ref), true);
});
