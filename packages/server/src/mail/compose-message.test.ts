import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { composeMessage } from './compose-message.ts';
import { sampleInput } from './fixtures/set-up-mail.ts';
import type { MessageInput } from './message-input.ts';
import { senderHeaders } from './sender-headers.ts';
import { textFromHtml } from './text-from-html.ts';

const OPTIONS = { smtpId: '<1@posthorn.test>', nowMs: 1_795_168_800_000 };

async function compose(fields: Partial<MessageInput>) {
  const raw = await composeMessage(sampleInput(fields), OPTIONS);
  return { raw, text: raw.toString('latin1'), parsed: await PostalMime.parse(raw) };
}

function headerSection(text: string): string {
  return text.slice(0, text.indexOf('\r\n\r\n'));
}

test('what was asked for can be read back', async () => {
  const { parsed } = await compose({
    to: [
      { email: 'mila@example.com', name: 'Míla Nováková' },
      { email: 'jo@example.com', name: null },
    ],
    cc: [{ email: 'cc@example.com', name: 'Sales, Team "A"' }],
    replyTo: [{ email: 'help@sender.example', name: null }],
    subject: 'Ihre Rechnung für Köln – 10 € 🎺',
    text: 'Grüße\nzweite Zeile',
    html: '<p>Grüße</p>',
    headers: [{ name: 'X-Campaign', value: 'spring' }],
  });
  assert.deepEqual(parsed.from, { address: 'shop@sender.example', name: 'Our Shop' });
  assert.deepEqual(
    parsed.to?.map(({ address, name }) => [address, name]),
    [
      ['mila@example.com', 'Míla Nováková'],
      ['jo@example.com', ''],
    ],
  );
  assert.equal(parsed.cc?.[0]?.name, 'Sales, Team "A"');
  assert.equal(parsed.replyTo?.[0]?.address, 'help@sender.example');
  assert.equal(parsed.subject, 'Ihre Rechnung für Köln – 10 € 🎺');
  assert.equal(parsed.text?.trim().replaceAll('\r\n', '\n'), 'Grüße\nzweite Zeile');
  assert.equal(parsed.html?.trim(), '<p>Grüße</p>');
  assert.equal(parsed.messageId, '<1@posthorn.test>');
  assert.equal(parsed.date, '2026-11-20T10:00:00.000Z');
  assert.equal(parsed.headers.find(({ key }) => key === 'x-campaign')?.value, 'spring');
});

test('hidden recipients stand nowhere in the message', async () => {
  const { text } = await compose({ bcc: [{ email: 'hidden@example.com', name: 'Hidden' }] });
  assert.doesNotMatch(text, /bcc|hidden/i);
});

test('attachments arrive byte for byte, with their names', async () => {
  const content = randomBytes(100_001);
  const { parsed } = await compose({
    attachments: [
      { filename: 'Übersicht 1.pdf', content, contentType: 'application/pdf', contentId: null },
      { filename: 'empty.bin', content: Buffer.alloc(0), contentType: null, contentId: null },
    ],
  });
  const [first, second] = parsed.attachments;
  assert.equal(first?.filename, 'Übersicht 1.pdf');
  assert.equal(first?.mimeType, 'application/pdf');
  assert.deepEqual(Buffer.from(first?.content as ArrayBuffer), content);
  assert.equal(Buffer.from(second?.content as ArrayBuffer).length, 0);
});

test('an image that the HTML names is found by its content id', async () => {
  const content = randomBytes(500);
  const { parsed } = await compose({
    html: '<img src="cid:logo@shop">',
    attachments: [
      { filename: 'logo.png', content, contentType: 'image/png', contentId: 'logo@shop' },
    ],
  });
  const [logo] = parsed.attachments;
  assert.equal(logo?.contentId, '<logo@shop>');
  assert.equal(logo?.related, true);
  assert.deepEqual(Buffer.from(logo?.content as ArrayBuffer), content);
});

test('every line ends in CRLF, whatever the text ends in', async () => {
  const { text } = await compose({ text: 'a\nb\r\nc\rd\n', html: '<p>\n</p>' });
  assert.doesNotMatch(text, /[^\r]\n/);
  assert.doesNotMatch(text, /\r(?!\n)/);
});

test('no line is longer than SMTP allows', async () => {
  const { text } = await compose({
    subject: 'ü'.repeat(900),
    text: 'x'.repeat(5_000),
    html: `<p>${'ä'.repeat(5_000)}</p>`,
    to: Array.from({ length: 300 }, (_, i) => ({ email: `m${i}@example.com`, name: `Nr. ${i}` })),
  });
  const longest = Math.max(...text.split('\r\n').map((line) => line.length));
  assert.ok(longest <= 998, `${longest} characters`);
});

test('files and URLs that a request names are not read', async () => {
  const { text } = await compose({ html: '<img src="file:///etc/passwd">', text: 'x' });
  assert.doesNotMatch(text, /root:/);
});

test('no field can add a header of its own, line breaks or not', async () => {
  const breaks = fc.constantFrom('\r\n', '\n', '\r', '\r\n ', '\u2028', '\u0085', '\0');
  const hostile = fc.tuple(fc.string({ maxLength: 8 }), breaks).map(([text, end]) => {
    return `${text}${end}X-Injected: 1${end}${end}body`;
  });
  await fc.assert(
    fc.asyncProperty(hostile, async (value) => {
      for (const fields of [
        { subject: value },
        { from: { email: 'shop@sender.example', name: value } },
        { to: [{ email: 'mila@example.com', name: value }] },
        { headers: [{ name: 'X-Campaign', value }] },
        {
          attachments: [
            { filename: value, content: Buffer.from('x'), contentType: null, contentId: null },
          ],
        },
      ]) {
        const { text } = await compose(fields);
        assert.doesNotMatch(text, /(^|[\r\n])X-Injected/, JSON.stringify(fields));
        assert.match(headerSection(text), /\r\nMIME-Version: 1\.0/);
      }
    }),
    { numRuns: 100 },
  );
});

test('HTML alone gets a text beside it; a text that was given stays', async () => {
  const html =
    '<html><head><style>p {color: red}</style></head><body><h1>Hello Mila</h1><p>Your <b>order</b> is on its way: <a href="https://shop.example/o?a=1&amp;b=2">see it</a>.</p><ul><li>one</li><li>two</li></ul><img src="https://shop.example/p.gif" width="1"><img src="cid:x" alt="A lamp"></body></html>';
  const { parsed, text } = await compose({ text: null, html });
  assert.match(headerSection(text), /multipart\/alternative/);
  const shown = parsed.text ?? '';
  for (const part of [
    'Hello Mila',
    'Your order is on its way',
    'https://shop.example/o?a=1&b=2',
    '* one',
    'A lamp',
  ]) {
    assert.ok(shown.includes(part), `${part} in ${shown}`);
  }
  assert.doesNotMatch(shown, /color|p\.gif|cid:/);
  const own = await compose({ text: 'Mine.', html });
  assert.equal(own.parsed.text?.trim(), 'Mine.');
});

test('any HTML gives a text', () => {
  const odd = fc.string({
    unit: fc.constantFrom('<', '>', '/', 'a', 'p', '"', '=', ' ', '&', ';', '!'),
  });
  fc.assert(fc.property(odd, (html) => assert.equal(typeof textFromHtml(html), 'string')));
  const deep = '<div>'.repeat(20_000);
  assert.equal(typeof textFromHtml(`${deep}x`), 'string');
});

test('pictures that stand in the HTML become parts that it names', async () => {
  const [first, second] = [randomBytes(300), randomBytes(10)];
  const html = [
    `<img alt='a' src="data:image/png;base64,${first.toString('base64')}">`,
    `<IMG SRC='data:image/jpeg;base64,${second.toString('base64')}' width=1>`,
    '<img src="data:text/html;base64,PGI+"><img src="https://shop.example/x.png">',
  ].join('\n');
  const { parsed } = await compose({ text: 'x', html });
  assert.deepEqual(
    parsed.attachments.map(({ filename, mimeType, disposition }) => [
      filename,
      mimeType,
      disposition,
    ]),
    [
      ['image-1.png', 'image/png', 'inline'],
      ['image-2.jpg', 'image/jpeg', 'inline'],
    ],
  );
  for (const [i, bytes] of [first, second].entries()) {
    const part = parsed.attachments[i];
    assert.deepEqual(Buffer.from(part?.content as ArrayBuffer), bytes);
    const id = part?.contentId?.slice(1, -1) ?? '';
    assert.ok(parsed.html?.includes(`cid:${id}`), id);
  }
  assert.match(parsed.html ?? '', /data:text\/html/);
});

test('headers for leaving are whole lines, whatever their length; those of the caller stay', async () => {
  const url = `https://shop.example/leave?token=${'x'.repeat(600)}`;
  const input = sampleInput({
    stream: 'broadcast',
    tags: ['Spring sale: 2026'],
    unsubscribe: { url, mailto: 'leave@shop.example' },
  });
  const headers = senderHeaders(input, 'prj_01M7ZDC00J7EDBXASGA6K9E2M9');
  const { parsed, text } = await compose({ headers });
  const header = (name: string) => parsed.headers.find(({ key }) => key === name)?.value;
  assert.equal(header('list-unsubscribe'), `<${url}>, <mailto:leave@shop.example>`);
  assert.equal(header('list-unsubscribe-post'), 'List-Unsubscribe=One-Click');
  assert.equal(header('feedback-id'), 'Spring-sale-2026:broadcast:xasga6k9e2m9');
  for (const line of headerSection(text).split('\r\n')) assert.ok(line.length < 998);
  const own = [
    { name: 'list-unsubscribe', value: '<https://own.example/>' },
    { name: 'Feedback-ID', value: 'a:b:c:mine1' },
  ];
  assert.deepEqual(senderHeaders({ ...input, headers: own }, 'prj_1'), []);
  const byMail = { ...input, unsubscribe: { url: null, mailto: 'leave@shop.example' } };
  const names = senderHeaders(byMail, 'prj_1').map(({ name }) => name);
  assert.deepEqual(names, ['List-Unsubscribe', 'Feedback-ID']);
});
