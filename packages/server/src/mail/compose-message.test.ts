import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import PostalMime from 'postal-mime';
import { composeMessage } from './compose-message.ts';
import { sampleInput } from './fixtures/set-up-mail.ts';
import type { MessageInput } from './message-input.ts';

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
