import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { INBOUND_PROJECT, inboundDns, setUpInbound } from '../fixtures/set-up-inbound.ts';

const SUPPORT = 'support+17@in.test';
const MAIL = [
  'From: Jane Doe <jane@sender.test>',
  `To: ${SUPPORT}`,
  'Subject: Re: Your order',
  'Message-ID: <1@sender.test>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  '',
  'It is here.',
  '',
  'On Friday 20 Nov, Shop wrote:',
  '> on its way',
  '--b',
  'Content-Type: image/jpeg; name=photo.jpg',
  'Content-Transfer-Encoding: base64',
  '',
  'SGVsbG8=',
  '--b--',
].join('\r\n');

async function withRoute(t: TestContext, setup: Parameters<typeof setUpInbound>[1] = {}) {
  const inbound = await setUpInbound(t, setup);
  await inbound.addDomain('in.test');
  const route = await inbound.addRoute('support+*@in.test', { tags: ['support'] });
  return { ...inbound, route };
}

test('a mail becomes email.received with its words, its files and what they are worth', async (t) => {
  inboundDns.set('TXT sender.test', [['v=spf1 ip4:127.0.0.1 -all']]);
  t.after(() => inboundDns.clear());
  const inbound = await withRoute(t);
  assert.match(await inbound.hand({ to: SUPPORT, raw: MAIL }), /^250 2\.0\.0/);
  const [event, ...others] = await inbound.eventsOf();
  assert.equal(others.length, 0);
  assert.equal(event?.type, 'email.received');
  const { inbound: block, ...data } = event?.data ?? {};
  assert.deepEqual(
    [data.recipient, data.tags, data.message?.from, data.message?.subject, data.message?.smtp_id],
    [SUPPORT, ['support'], 'jane@sender.test', 'Re: Your order', '<1@sender.test>'],
  );
  assert.deepEqual(
    [block?.route_id, block?.plus_tag, block?.envelope_from, block?.reply_text],
    [inbound.route.id, '17', 'jane@sender.test', 'It is here.'],
  );
  assert.deepEqual(block?.from, { address: 'jane@sender.test', name: 'Jane Doe' });
  assert.match(block?.text ?? '', /> on its way/);
  assert.deepEqual(
    [block?.authentication?.spf, block?.authentication?.dkim.result],
    [{ result: 'pass', domain: 'sender.test' }, 'none'],
  );
  assert.deepEqual([block?.spam, block?.automatic], [{ suspected: false, reasons: [] }, null]);
  const [file] = block?.attachments ?? [];
  assert.deepEqual([file?.filename, file?.size_bytes], ['photo.jpg', 5]);
  assert.match(file?.url ?? '', /^https:\/\/posthorn\.test\/files\/[\w-]+$/);

  const token = file?.url?.split('/').at(-1) ?? '';
  const ref = inbound.room.tokens.read(token, inbound.clock.now());
  assert.deepEqual([ref?.receivedId, ref?.number], [block?.id, 1]);
  const raw = await inbound.store.receivedMail.raw(INBOUND_PROJECT, block?.id ?? '');
  const text = Buffer.from(raw ?? []).toString();
  assert.ok(text.endsWith(`${MAIL}\r\n`));
  assert.match(
    text,
    /^Return-Path: <jane@sender\.test>\r\nReceived: from mx\.sender\.test \(\[127\.0\.0\.1\]\)\r\n by mx\.posthorn\.test with ESMTP id rcv_\w{26}\r\n for <support\+17@in\.test>; Fri, 20 Nov 2026 10:00:00 \+0000\r\nFrom: /,
  );
});

test('is stored for each recipient that somebody takes', async (t) => {
  const inbound = await withRoute(t);
  await inbound.hand({ to: ['support+1@in.test', 'SUPPORT+2@IN.test'], raw: MAIL });
  assert.deepEqual(
    (await inbound.eventsOf()).map(({ data }) => [data.recipient, data.inbound?.plus_tag]),
    [
      ['support+1@in.test', '1'],
      ['SUPPORT+2@in.test', '2'],
    ],
  );
});

test('unknown addresses are refused at RCPT', async (t) => {
  const inbound = await withRoute(t);
  await inbound.addRoute('support+no*@in.test', { action: 'refuse', priority: 1 });
  await inbound.addRoute('*@lost.test');
  await inbound.addDomain('lost.test', { dkim: 'missing' });
  await inbound.addRoute('*@never-added.test');
  for (const to of [
    'support@in.test',
    'support+nobody@in.test',
    'x@lost.test',
    'x@never-added.test',
    'x@elsewhere.example',
    'support+1@sub.in.test',
  ])
    assert.match(await inbound.hand({ to, raw: MAIL }), /^550 5\.1\.1/, to);
  assert.deepEqual(await inbound.eventsOf(), []);
  inbound.deleted.add(INBOUND_PROJECT);
  assert.match(await inbound.hand({ to: SUPPORT, raw: MAIL }), /^550 5\.1\.1/);
});

test('nobody gets mail of a name that is proven nearer by another, and both of one name get it', async (t) => {
  const inbound = await setUpInbound(t);
  await inbound.addDomain('shop.test');
  await inbound.addRoute('*@*.shop.test');
  await inbound.addRoute('*@shop.test');
  assert.match(await inbound.hand({ to: 'x@in.shop.test', raw: MAIL }), /^250/);
  assert.equal((await inbound.eventsOf()).length, 1);
  await inbound.addDomain('in.shop.test', { projectId: 'prj_2' });
  await inbound.addRoute('*@in.shop.test', { projectId: 'prj_2' });
  // What the other has not proven is none of his.
  await inbound.addRoute('*@shop.test', { projectId: 'prj_2' });
  assert.match(await inbound.hand({ to: 'y@in.shop.test', raw: MAIL }), /^250/);
  assert.match(await inbound.hand({ to: 'z@shop.test', raw: MAIL }), /^250/);
  const recipients = async (project: string) =>
    (await inbound.eventsOf(project)).map(({ data }) => data.recipient);
  assert.deepEqual(await recipients(INBOUND_PROJECT), ['x@in.shop.test', 'z@shop.test']);
  assert.deepEqual(await recipients('prj_2'), ['y@in.shop.test']);
  await inbound.addDomain('shop.test', { projectId: 'prj_2' });
  assert.match(await inbound.hand({ to: 'both@shop.test', raw: MAIL }), /^250/);
  assert.equal((await recipients(INBOUND_PROJECT)).at(-1), 'both@shop.test');
  assert.equal((await recipients('prj_2')).at(-1), 'both@shop.test');
});

test('the same mail twice is one; another with its Message-ID is another', async (t) => {
  const inbound = await withRoute(t);
  for (const raw of [MAIL, MAIL, `Received: from a by b; c\r\n${MAIL}`])
    assert.match(await inbound.hand({ to: SUPPORT, raw }), /^250/);
  assert.equal((await inbound.eventsOf()).length, 1);
  assert.match(await inbound.hand({ to: SUPPORT, raw: MAIL.replace('here', 'gone') }), /^250/);
  assert.match(await inbound.hand({ to: 'support+x@in.test', raw: MAIL }), /^250/);
  assert.equal((await inbound.eventsOf()).length, 3);
  const [one, two] = await Promise.all(
    [0, 1].map(() => inbound.hand({ to: 'support+race@in.test', raw: MAIL })),
  );
  assert.match(`${one}${two}`, /^250.*\s*250/);
  assert.equal((await inbound.eventsOf()).length, 4);
});

test('250 is said when it is stored, and not before', async (t) => {
  const inbound = await withRoute(t);
  inbound.engine.fail();
  assert.match(await inbound.hand({ to: SUPPORT, raw: MAIL }), /^451/);
  inbound.engine.recover();
  assert.deepEqual(await inbound.eventsOf(), []);
  assert.match(await inbound.hand({ to: SUPPORT, raw: MAIL }), /^250/);
  assert.equal((await inbound.eventsOf()).length, 1);
});

test('mail that goes round in a circle, is too large or comes too fast is refused', async (t) => {
  const inbound = await withRoute(t, { settings: { inboundRate: 4 } });
  const hops = (count: number): string => 'Received: from a by b; c\r\n'.repeat(count) + MAIL;
  assert.match(await inbound.hand({ to: SUPPORT, raw: hops(101) }), /^554 5\.4\.6/);
  assert.match(await inbound.hand({ to: SUPPORT, raw: hops(100) }), /^250/);
  const large = MAIL + 'x'.repeat(100_000);
  assert.match(await inbound.hand({ to: SUPPORT, raw: large }), /^552 5\.3\.4/);
  assert.match(await inbound.hand({ to: SUPPORT, raw: MAIL }), /^250/);
  assert.match(await inbound.hand({ to: SUPPORT, raw: MAIL }), /^451 4\.7\.1/);
  assert.match(await inbound.hand({ to: 'nobody@in.test', raw: MAIL }), /^550/);
  await inbound.clock.advance(15_000);
  assert.match(await inbound.hand({ to: SUPPORT, raw: MAIL }), /^250/);
  assert.deepEqual(inbound.taken, ['looping', 'taken', 'taken', 'taken']);
});

test('where bodies are not kept only the event knows what it said', async (t) => {
  const inbound = await withRoute(t, { bodyRetentionMs: 0 });
  assert.match(await inbound.hand({ to: SUPPORT, raw: MAIL }), /^250/);
  const [event] = await inbound.eventsOf();
  const { id = '', url, reply_text } = event?.data.inbound ?? {};
  assert.deepEqual([url, reply_text], [null, 'It is here.']);
  assert.equal(await inbound.store.receivedMail.raw(INBOUND_PROJECT, id), null);
  assert.notEqual(await inbound.store.receivedMail.get(INBOUND_PROJECT, id), null);
});

test('a notification and an automatic reply say what they are', async (t) => {
  const inbound = await withRoute(t);
  await inbound.hand({ to: SUPPORT, raw: MAIL, from: '' });
  await inbound.hand({ to: 'support+2@in.test', raw: `Auto-Submitted: auto-replied\r\n${MAIL}` });
  assert.deepEqual(
    (await inbound.eventsOf()).map(({ data }) => [
      data.inbound?.envelope_from,
      data.inbound?.automatic,
    ]),
    [
      ['', 'auto-generated'],
      ['jane@sender.test', 'auto-replied'],
    ],
  );
});

test('whatever is in a mail, it is stored and its event stays small', async (t) => {
  const inbound = await withRoute(t);
  const damage = fc.record({
    at: fc.nat(MAIL.length),
    length: fc.nat(100),
    put: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom('\u0000'.repeat(30_000), '\u0001é"\\'.repeat(8_000), '\r\n'.repeat(9_000)),
    ),
  });
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { maxLength: 4 }), async (damages) => {
      let text = MAIL;
      for (const { at, length, put } of damages) {
        text = text.slice(0, at) + put + text.slice(at + length);
      }
      count += 1;
      const raw = Buffer.from(text).subarray(0, 90_000);
      const to = `support+fuzz${count}@in.test`;
      assert.match(await inbound.hand({ to, raw }), /^250/);
    }),
    { numRuns: 12 },
  );
  const events = await inbound.eventsOf();
  assert.equal(events.length, count);
  const sizes = events.map((event) => Buffer.byteLength(JSON.stringify(event)));
  assert.ok(Math.max(...sizes) < 20_000, `${Math.max(...sizes)} bytes`);
});
