import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import PostalMime from 'postal-mime';
import { PROJECT } from '../fixtures/set-up-mail.ts';
import { setUpReturnPath } from '../fixtures/set-up-return-path.ts';
import { createPostmasterDoor, type PostmasterSettings } from './postmaster-door.ts';

const MAIL = [
  'From: Jane Doe <jane@remote.example>',
  'To: postmaster@posthorn.test',
  'Subject: =?utf-8?q?Eure_Newsletter_st=C3=B6ren?=',
  'X-Posthorn-Tags: mine',
  '',
  'Please stop.',
].join('\r\n');

const SETTINGS: PostmasterSettings = {
  hostname: 'mx.Posthorn.test',
  returnPathDomain: 'bounces.posthorn.test',
  maxMessageSize: 100_000,
  postmasterAddress: 'ops@company.example',
  noticeFrom: null,
};

async function setUp(t: TestContext, settings: Partial<PostmasterSettings> = {}) {
  const mail = await setUpReturnPath(t, {
    doors: ({ acceptor, clock }) => [
      createPostmasterDoor({
        config: { ...SETTINGS, ...settings },
        directory: {
          findProven: (host) =>
            host.endsWith('xn--bcher-kva.example') ? ([{ name: host }] as never) : [],
        },
        accept: acceptor.acceptInput,
        firstProject: () => PROJECT,
        now: clock.now,
      }),
    ],
  });
  return {
    ...mail,
    /** What went out, with the mail that is attached to it. */
    async forwarded() {
      await mail.untilAll('delivered');
      return Promise.all(
        mail.transmitter.jobs.map(async ({ raw, recipients }) => {
          const parsed = await PostalMime.parse(Buffer.from(raw), {
            forceRfc822Attachments: true,
            attachmentEncoding: 'utf8',
          });
          return { ...parsed, recipients, attached: String(parsed.attachments[0]?.content) };
        }),
      );
    },
  };
}

test('mail to those who run the server is taken and goes on to them, attached to a mail of ours', async (t) => {
  const mail = await setUp(t);
  const addresses = [
    'postmaster',
    'POSTMASTER@mx.posthorn.TEST',
    'abuse@bounces.posthorn.test',
    'abuse@in.bücher.example',
  ];
  for (const to of addresses) {
    assert.match(await mail.comeBack(to, MAIL, 'jane@remote.example'), /^250/, to);
  }
  const sent = await mail.forwarded();
  assert.deepEqual(
    sent.map(({ recipients, subject, deliveredTo }) => [recipients[0], subject, deliveredTo]),
    [
      'postmaster@mx.posthorn.test',
      'postmaster@mx.posthorn.test',
      'abuse@bounces.posthorn.test',
      'abuse@in.xn--bcher-kva.example',
    ].map((to) => ['ops@company.example', `[${to}] Eure Newsletter stören`, to]),
  );
  for (const { from, replyTo, attached, text, headers } of sent) {
    assert.equal(from?.address, 'posthorn@mx.posthorn.test');
    assert.equal(replyTo?.[0]?.address, 'jane@remote.example');
    assert.equal(attached.trimEnd(), MAIL.replaceAll('\r\n', '\n'));
    assert.match(text ?? '', /Envelope: <jane@remote\.example>\n.*mx\.remote\.example \(127/s);
    assert.equal(headers.find(({ key }) => key === 'auto-submitted')?.value, 'auto-generated');
  }
});

test('other names and other people are unknown', async (t) => {
  const mail = await setUp(t);
  for (const to of [
    'postmaster@elsewhere.example',
    'abuse@notmx.posthorn.test',
    'root@mx.posthorn.test',
    'postmaster+x@mx.posthorn.test',
  ]) {
    assert.match(await mail.comeBack(to, MAIL), /^550 5\.1\.1 No such address/, to);
  }
  assert.equal(mail.transmitter.jobs.length, 0);
});

test('without the setting the reply says which one is missing', async (t) => {
  const mail = await setUp(t, { postmasterAddress: null });
  for (const to of ['postmaster', 'Postmaster@mx.posthorn.test']) {
    assert.match(
      await mail.comeBack(to, MAIL),
      /^550 5\.1\.1 Nobody reads postmaster here.* postmaster_address /,
    );
  }
});

test('what went on once is refused when it comes back, alone or by way of others', async (t) => {
  const mail = await setUp(t);
  const to = 'postmaster@mx.posthorn.test';
  assert.match(await mail.comeBack(to, `Delivered-To: a@b.example\r\n${MAIL}`), /^250/);
  const [first] = await mail.forwarded();
  const raw = Buffer.from(mail.transmitter.jobs[0]?.raw ?? '').toString();
  assert.match(raw, /^Delivered-To: a@b\.example\r\n/m);
  assert.equal(first?.subject, `[${to}] Eure Newsletter stören`);
  assert.match(await mail.comeBack(to, raw), /^554 5\.4\.6/);
  const many = 'Delivered-To: x@y.example\r\n'.repeat(10);
  assert.match(await mail.comeBack(to, many + MAIL), /^554 5\.4\.6/);
});

test('nothing of a stranger is sent as he has it: bare line ends, no headers, no sender', async (t) => {
  const mail = await setUp(t);
  const raw = 'Subject: a\nBcc: victim@elsewhere.example\r\r\n\n.\nMAIL FROM:<x@y.example>';
  assert.match(await mail.comeBack('postmaster', raw), /^250/);
  assert.match(await mail.comeBack('postmaster', '\u0000'), /^250/);
  const [one, two] = await mail.forwarded();
  assert.deepEqual(
    [one?.recipients, two?.recipients],
    [['ops@company.example'], ['ops@company.example']],
  );
  assert.equal(one?.replyTo, undefined);
  for (const { raw: sent } of mail.transmitter.jobs) {
    assert.doesNotMatch(Buffer.from(sent).toString(), /[^\r]\n|\r(?!\n)/);
  }
});

test('a flood is put off, and so is what comes before there is a project', async () => {
  let nowMs = 0;
  let project: string | null = PROJECT;
  const door = createPostmasterDoor({
    config: SETTINGS,
    directory: { findProven: () => [] },
    accept: async () => assert.fail('nothing is handed over'),
    firstProject: () => project,
    now: () => nowMs,
  });
  const later = { code: 451, text: '4.7.1 Too much mail at once; try again later' };
  for (let i = 0; i < 60; i++) assert.equal(await door.knows('postmaster'), true);
  assert.deepEqual(await door.knows('postmaster'), later);
  assert.equal(await door.knows('root@mx.posthorn.test'), false);
  nowMs += 1_000;
  assert.equal(await door.knows('postmaster'), true);
  nowMs += 60_000;
  project = null;
  assert.deepEqual(await door.knows('postmaster'), later);
});
