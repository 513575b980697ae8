import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { connectRawClient } from './fixtures/raw-client.ts';
import { TEST_CERTIFICATE } from './fixtures/test-certificate.ts';
import type { SmtpListener } from './smtp-listener.ts';
import { createSubmissionServer } from './submission-server.ts';

const RUNS = 50;
/** Streams at a time: each waits a tenth of a second for the greeting. */
const AT_ONCE = 25;
/** A stream that is not answered to its end by then hangs the server. */
const PATIENCE_MS = 20_000;

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const GOOD = `AUTH PLAIN ${base64('\0a\0key1')}`;

/** Words of SMTP in any order, and bytes that are none. Never a good login. */
const line = fc.oneof(
  fc.constantFrom(
    ...['EHLO a.test', 'HELO a.test', 'LHLO a.test', 'STARTTLS', 'DATA', 'RSET', 'NOOP', 'VRFY x'],
    ...[
      'HELP',
      'BDAT 10 LAST',
      'AUTH PLAIN',
      'AUTH LOGIN',
      'AUTH CRAM-MD5',
      'AUTH PLAIN =',
      '*',
      '.',
    ],
    ...['MAIL FROM:<a@b.test>', 'MAIL FROM:<>', 'RCPT TO:<c@d.test>', 'RCPT TO:<postmaster>'],
    ...['MAIL FROM:<a@b.test> SIZE=99999999999999999999 BODY=X SMTPUTF8=1 RET=FULL ENVID=+0D+0A'],
    ...['RCPT TO:<c@d.test> NOTIFY=NEVER,NEVER ORCPT=;;;', `AUTH PLAIN ${base64('\0a\0wrong')}`],
    ...['AUTH PLAIN constructor', 'XCLIENT LOGIN=a', '__proto__', 'toString', 'constructor x'],
    ...['Subject: x', '', ' ', '\t', '..', '.\r', '\n.', '\r.'],
  ),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.integer({ min: 1, max: 20_000 }).map((length) => 'A'.repeat(length)),
);
const end = fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r', '', '\0', '\r\n.\r\n');
const stream = fc
  .array(fc.tuple(line, end), { minLength: 1, maxLength: 25 })
  .map((lines) => Buffer.from(lines.map(([text, after]) => text + after).join('')));

/** Writes the bytes in pieces and hangs up; what was said. */
function play(port: number, bytes: Buffer, pieceBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let said = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end after: ${said}`));
    }, PATIENCE_MS);
    socket.on('error', () => {});
    socket.once('data', () => {
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        socket.write(bytes.subarray(at, at + pieceBytes));
      }
      socket.end();
    });
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(said);
    });
  });
}

describe('any bytes at all', () => {
  let server: SmtpListener;
  let broken: unknown = null;
  let accepted = 0;
  const note = (error: unknown): void => {
    broken = error;
  };

  before(async () => {
    process.on('uncaughtException', note);
    process.on('unhandledRejection', note);
    server = createSubmissionServer({
      hostname: 'mail.posthorn.test',
      tls: TEST_CERTIFICATE,
      maxSizeBytes: 5_000,
      maxRecipients: 10,
      maxConnections: 200,
      maxConnectionsPerAddress: 200,
      idleMs: 5_000,
      authenticate: async ({ password }) =>
        password === 'key1'
          ? { projectId: 'prj_1', keyMode: 'live', explainEnd: async () => null }
          : { refusal: 'No key.' },
      accept: async ({ envelopeFrom, recipients, raw }) => {
        accepted += 1;
        for (const address of [envelopeFrom, ...recipients]) {
          assert.match(address, /^(?:|[^\r\n\0<>]+@[a-z0-9.-]+)$/);
        }
        assert.ok(
          !raw
            .toString('latin1')
            .replaceAll('\r\n', '')
            .match(/[\r\n]/),
        );
        return { messageId: 'msg_1' };
      },
      canAccept: () => ({ ok: true }),
      log: { debug() {}, info() {}, warn() {}, error: (fields: object) => note(fields) },
    });
    await server.listen({ host: '127.0.0.1', port: 0 });
  });
  after(async () => {
    await server.close({ graceMs: 0 });
    process.off('uncaughtException', note);
    process.off('unhandledRejection', note);
  });

  async function playAll(made: readonly [Buffer, number][], before: string): Promise<string[]> {
    const { port } = server.address();
    const said: string[] = [];
    for (let i = 0; i < made.length; i += AT_ONCE) {
      const some = made.slice(i, i + AT_ONCE).map(([bytes, pieceBytes]) => {
        return play(port, Buffer.concat([Buffer.from(before), bytes]), pieceBytes);
      });
      said.push(...(await Promise.all(some)));
    }
    return said;
  }

  /** It still takes mail, from somebody who has a key. */
  async function assertAlive(): Promise<void> {
    assert.equal(broken, null);
    const client = await connectRawClient(server.address().port);
    await client.reply();
    for (const line of [
      'EHLO a.test',
      GOOD,
      'MAIL FROM:<a@b.test>',
      'RCPT TO:<c@d.test>',
      'DATA',
    ]) {
      assert.match(await client.command(line), /^[23]/);
    }
    assert.match(await client.command('\r\n.'), /^250/);
    client.end();
  }

  const pieces = fc.constantFrom(1, 7, 1_000, 100_000);

  test('from a stranger never become mail, and never end or hang the server', async () => {
    const said = await playAll(fc.sample(fc.tuple(stream, pieces), RUNS), '');
    for (const text of said) {
      assert.match(text, /^220 /);
      assert.doesNotMatch(text, /^(?:235|354)/m);
    }
    assert.equal(accepted, 0);
    await assertAlive();
  });

  test('behind a login become mail with a sound envelope, or an error', async () => {
    const before = `EHLO a.test\r\n${GOOD}\r\n`;
    const said = await playAll(fc.sample(fc.tuple(stream, pieces), RUNS), before);
    for (const text of said) {
      for (const reply of text.split('\r\n').slice(0, -1)) {
        assert.match(reply, /^(?:[2345]\d\d[ -])/);
      }
    }
    await assertAlive();
  });

  test('as a message of stuffed dots are read at once', async () => {
    const client = await connectRawClient(server.address().port);
    await client.reply();
    for (const line of [
      'EHLO a.test',
      GOOD,
      'MAIL FROM:<a@b.test>',
      'RCPT TO:<c@d.test>',
      'DATA',
    ]) {
      await client.command(line);
    }
    client.send('..\r\n'.repeat(60_000));
    assert.match(await client.command('.'), /^552 5\.3\.4/);
    client.end();
    await assertAlive();
  });
});
