import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { hashSuppressed } from '../../core/mail/suppression.ts';
import type { MessageTracking } from '../../core/mail/tracking.ts';
import { composeMessage } from '../compose-message.ts';
import { sampleInput } from '../fixtures/set-up-mail.ts';
import type { MessageInput } from '../message-input.ts';
import { preparePersonalCopies } from './personalize-message.ts';
import type { TrackingRef } from './tracking-token.ts';

const ALL: MessageTracking = {
  opens: true,
  clicks: true,
  textLinks: true,
  unsubscribe: true,
  except: [],
};
const message = {
  projectId: 'prj_1',
  id: 'msg_1',
  stream: 'broadcast',
  headerFrom: 'shop@sender.example',
} as const;
const MILA = 'mila@example.com';
/** Readable in a test; the real ones are tested beside it. */
const tokens = {
  make: (ref: TrackingRef) =>
    `${ref.kind}-${ref.recipient}${ref.kind === 'click' ? `-${ref.linkId}-${encodeURI(ref.url)}` : ''}`,
};

function copyOf(
  raw: Buffer,
  tracking: Partial<MessageTracking> = {},
  recipient = MILA,
  leavingAddress: (recipient: string) => string | null = () => null,
): Buffer {
  const all = { ...ALL, ...tracking };
  const origin = 'https://links.example';
  const deps = { message, tracking: all, tokens, origin, leavingAddress };
  return preparePersonalCopies(raw, deps)(recipient);
}

async function compose(fields: Partial<MessageInput>): Promise<Buffer> {
  return composeMessage(sampleInput(fields), { smtpId: '<1@sender.example>', nowMs: 0 });
}

const raw = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');
const PAGE = 'https://links.example/t/u/unsubscribe-mila@example.com';

test('an address for leaving by mail stands behind the page, unless the sender has one', () => {
  const address = (recipient: string): string => `unsub+${recipient[0]}@b.example`;
  const header = (text: string, tracking: Partial<MessageTracking> = {}): string =>
    copyOf(raw(text), tracking, MILA, address).toString().split('List-Unsubscribe-Post')[0] ?? '';
  assert.equal(
    header('\nHi'),
    `List-Unsubscribe: <${PAGE}>,\r\n <mailto:unsub+m@b.example?subject=unsubscribe>\r\n`,
  );
  assert.match(header('List-Unsubscribe: <mailto:out@sender.example>\n\nHi'), /<mailto:out@/);
  assert.doesNotMatch(header('List-Unsubscribe: <mailto:out@sender.example>\n\nHi'), /unsub\+/);
  assert.doesNotMatch(header('List-Unsubscribe: <https://own.example>\n\nHi'), /unsub\+/);
  assert.doesNotMatch(header('\nHi', { unsubscribe: false }), /unsub\+/);
});

test('each recipient gets links, pixel and page of his own, and everything else is the same', async () => {
  const html = '<p>Grüße &amp; mehr <a href="https://shop.example/?a=1&amp;b=ü">x</a></p>';
  const text = 'See https://shop.example/a, (https://shop.example/b).\nBye';
  const sent = await compose({ html, text });
  for (const recipient of [MILA, 'jo@example.com']) {
    const parsed = await PostalMime.parse(copyOf(sent, {}, recipient));
    assert.equal(
      parsed.html?.trim(),
      `<p>Grüße &amp; mehr <a href="https://links.example/t/c/click-${recipient}-1-https://shop.example/?a=1&b=%C3%BC">x</a></p>` +
        `<img src="https://links.example/t/o/open-${recipient}" alt="" width="1" height="1" style="border:0">`,
    );
    assert.equal(
      parsed.text?.trim(),
      `See https://links.example/t/c/click-${recipient}-t1-https://shop.example/a, (https://links.example/t/c/click-${recipient}-t2-https://shop.example/b).\nBye`,
    );
    const header = (key: string) => parsed.headers.find((one) => one.key === key)?.value;
    assert.equal(
      header('list-unsubscribe'),
      `<https://links.example/t/u/unsubscribe-${recipient}>`,
    );
    assert.equal(header('list-unsubscribe-post'), 'List-Unsubscribe=One-Click');
    assert.equal(parsed.subject, 'Your receipt');
  }
});

test('without anything to do, the bytes are the same', async () => {
  const sent = await compose({ html: '<p><a href="https://a.example">x</a></p>' });
  const none = { opens: false, clicks: false, textLinks: false, unsubscribe: false };
  assert.deepEqual(copyOf(sent, none), sent);
});

test('a recipient who is not tracked still gets his page', async () => {
  const sent = await compose({
    html: '<a href="https://a.example">x</a>',
    text: 'https://b.example',
  });
  const copy = copyOf(sent, { except: [hashSuppressed('prj_1', 'Mila@example.com')] });
  assert.equal(
    copy.toString(),
    `List-Unsubscribe: <${PAGE}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n${sent}`,
  );
  assert.match(copyOf(sent, {}, 'jo@example.com').toString(), /t\/o\/open-jo/);
});

test('a mailto stays beside the page, and a page of the sender stays alone and unwrapped', () => {
  const mailto = raw('List-Unsubscribe: <mailto:out@sender.example>\nSubject: x\n\nHi');
  assert.match(
    copyOf(mailto).toString(),
    /^List-Unsubscribe: <https:\/\/links\.example\/t\/u\/[^>]+>,\r\n <mailto:out@sender\.example>\r\nList-Unsubscribe-Post: [^\r]+\r\nSubject: x\r\n/,
  );
  const own = raw(
    'Subject: x\nList-Unsubscribe:\n <https://own.example/u>\n\nhttps://own.example/u',
  );
  assert.deepEqual(copyOf(own), own);
});

test('posthorn:unsubscribe becomes the page, in HTML and text', async () => {
  const sent = await compose({ html: '<a href="posthorn:unsubscribe">Leave</a>', text: null });
  const parsed = await PostalMime.parse(
    copyOf(sent, { clicks: false, opens: false, textLinks: false }),
  );
  assert.equal(parsed.html?.trim(), `<a href="${PAGE}">Leave</a>`);
  assert.ok(parsed.text?.includes(PAGE), parsed.text);
});

test('leaves other schemes, too long URLs and our own links alone', () => {
  const html = [
    'mailto:a@b.example',
    'tel:1',
    '#top',
    '/x',
    'javascript:x',
    'https://links.example/t/c/x',
  ]
    .concat(`https://a.example/${'x'.repeat(2_000)}`, 'https://')
    .map((url) => `<a href="${url}">x</a>\n`)
    .join('');
  const sent = raw(
    `Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n${html.replaceAll('=', '=3D')}`,
  );
  assert.deepEqual(copyOf(sent, { opens: false, unsubscribe: false }), sent);
});

test('attachments, signed and enclosed messages, and charsets without ASCII stay as they are', () => {
  for (const head of [
    'Content-Type: text/html\nContent-Disposition: attachment; filename=a.html',
    'Content-Type: message/rfc822\n\nContent-Type: text/html',
    'Content-Type: text/html; charset=utf-16le',
    'Content-Type: text/html; charset=iso-2022-jp',
    'Content-Type: text/html; charset=no-such',
    'Content-Type: text/html\nContent-Transfer-Encoding: x-uuencode',
    'Content-Type: multipart/signed; boundary=b\n\n--b\nContent-Type: text/html',
    'Content-Type: text/x-amp-html',
  ]) {
    const sent = raw(`${head}\n\n<a href="https://a.example">x</a>\n--b--\n`);
    assert.deepEqual(copyOf(sent, { unsubscribe: false }), sent, head);
  }
});

test('keeps each transfer encoding, and folds what has become too long', async () => {
  const html = '<a href="https://a.example/">é</a>';
  const bytes = Buffer.from(html, 'latin1');
  const head = 'Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: ';
  const body = { base64: bytes.toString('base64'), '8bit': bytes.toString('latin1') };
  for (const [encoding, text] of Object.entries(body)) {
    const sent = Buffer.from(`${head}${encoding}\r\n\r\n${text}`, 'latin1');
    const copy = copyOf(sent, { unsubscribe: false });
    assert.match(copy.toString('latin1'), new RegExp(`Content-Transfer-Encoding: ${encoding}\r\n`));
    assert.match((await PostalMime.parse(copy)).html ?? '', /^<a href="[^"]+">é<\/a><img /);
  }
  const long = `<a href="https://a.example/">x</a>`.repeat(30);
  const folded = copyOf(raw(`Subject: x\nContent-Type: text/html\n\n${long}`), {
    unsubscribe: false,
  });
  assert.match(folded.toString(), /^Content-Transfer-Encoding: quoted-printable\r\nSubject/);
  for (const line of folded.toString().split('\r\n')) assert.ok(line.length <= 998);
  assert.match((await PostalMime.parse(folded)).html ?? '', /click-mila@example\.com-30-/);
});

test('any bytes become a copy, and with nothing to do the same bytes', () => {
  const piece = fc.constantFrom(
    ...[
      '\r\n',
      '\r\n\r\n',
      'Content-Type: multipart/mixed; boundary=b',
      '\r\n--b\r\n',
      '\r\n--b--',
    ],
    ...['Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: base64', 'PGEg'],
    ...[
      'Content-Transfer-Encoding: quoted-printable',
      '=3D',
      '=\r\n',
      '<a href="https://a.example">',
    ],
    ...['List-Unsubscribe: <https://x.example>', ' posthorn:unsubscribe ', 'https://a.example '],
  );
  const bytes = fc
    .array(fc.oneof(piece, fc.string({ unit: 'binary' })), { maxLength: 30 })
    .map((all) => Buffer.from(all.join(''), 'latin1'));
  const none = { opens: false, clicks: false, textLinks: false, unsubscribe: false };
  fc.assert(
    fc.property(bytes, (given) => {
      copyOf(given);
      if (!given.includes('posthorn:unsubscribe')) assert.deepEqual(copyOf(given, none), given);
    }),
    { numRuns: 1_000 },
  );
});
