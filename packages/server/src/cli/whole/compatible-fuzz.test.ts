import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from './fixtures/in-process-server.ts';
import type { Json } from './fixtures/test-client.ts';

let server: InProcessServer;
before(async () => {
  // Nothing is delivered: what is sent here is sent by chance.
  server = await startInProcessServer({ roles: 'api' });
});
after(() => server.stop());

async function ask(path: string, headers: Record<string, string>, body: string) {
  const response = await fetch(server.httpUrl + path, { method: 'POST', headers, body });
  const text = await response.text();
  return { status: response.status, answer: (text === '' ? null : JSON.parse(text)) as Json };
}

const mailbox = fc.oneof(
  fc.record({ email: fc.oneof(fc.emailAddress(), fc.string()), name: fc.anything() }),
  fc.anything(),
);
const list = (of: fc.Arbitrary<unknown>) => fc.oneof(fc.array(of, { maxLength: 3 }), fc.anything());
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.anything());

const mailchannels = fc.record(
  {
    from: mailbox,
    personalizations: list(
      fc.record(
        {
          to: list(mailbox),
          cc: list(mailbox),
          headers: fc.dictionary(fc.string(), text),
          subject: text,
        },
        { requiredKeys: ['to'] },
      ),
    ),
    subject: text,
    content: list(
      fc.record({ type: fc.constantFrom('text/plain', 'text/html', 'x'), value: text }),
    ),
    attachments: list(fc.record({ content: text, filename: text, type: text })),
    headers: fc.dictionary(fc.string(), text),
  },
  { requiredKeys: ['from', 'content'] },
);

const postal = fc.record(
  {
    to: list(fc.oneof(fc.emailAddress(), text)),
    cc: list(text),
    from: fc.oneof(fc.emailAddress(), text),
    subject: text,
    plain_body: text,
    html_body: text,
    tag: text,
    headers: fc.oneof(fc.dictionary(fc.string(), text), fc.anything()),
    attachments: list(fc.record({ name: text, data: text, content_type: text })),
    rcpt_to: list(text),
    mail_from: text,
    data: text,
    id: fc.anything(),
    _expansions: fc.anything(),
  },
  { requiredKeys: [] },
);

/** JSON of whatever was drawn; what JSON cannot say is left out. */
function toJson(value: unknown): string {
  const seen = new Set<unknown>();
  const written = JSON.stringify(value, (_, one: unknown) => {
    if (typeof one === 'bigint') return String(one);
    if (typeof one !== 'object' || one === null) return one;
    if (seen.has(one)) return null;
    seen.add(one);
    return one;
  });
  return written ?? 'null';
}

const RUNS = { numRuns: 150 };

test('whatever comes to /tx/v1 is answered in the words of MailChannels, and never with 5xx', async () => {
  const paths = fc.constantFrom('/send', '/send-async', '/suppression-list', '/webhook/validate');
  const headers = { 'x-api-key': API_KEY, 'content-type': 'application/json' };
  await fc.assert(
    fc.asyncProperty(paths, fc.oneof(mailchannels.map(toJson), fc.string()), async (path, body) => {
      const { status, answer } = await ask(`/tx/v1${path}`, headers, body);
      assert.ok(status < 500, `${status} ${JSON.stringify(answer)} to ${body}`);
      if (status >= 400) assert.ok(answer.errors.length > 0 && Object.keys(answer).length === 1);
    }),
    RUNS,
  );
});

test('whatever comes to /api/v1 is answered with 200 and the envelope of Postal', async () => {
  const paths = fc.constantFrom(
    'send/message',
    'send/raw',
    'messages/message',
    'messages/deliveries',
  );
  const types = fc.constantFrom(
    'application/json',
    'application/x-www-form-urlencoded',
    'text/plain',
  );
  const bodies = fc.oneof(postal.map(toJson), fc.string());
  await fc.assert(
    fc.asyncProperty(paths, types, bodies, async (path, type, body) => {
      const headers = { 'x-server-api-key': API_KEY, 'content-type': type };
      const { status, answer } = await ask(`/api/v1/${path}`, headers, body);
      assert.equal(status, 200, `${JSON.stringify(answer)} to ${body}`);
      assert.match(answer.status, /^(success|error|parameter-error)$/);
    }),
    RUNS,
  );
});
