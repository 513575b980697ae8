import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { readBounceMail } from './bounce.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-bounce-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const MAIL = `From: MAILER-DAEMON@mx.example
To: sender@shop.example
Subject: Undelivered Mail Returned to Sender

<bob@dest.example>: host mx.dest.example[192.0.2.1] said: 550 5.1.1 User unknown

--- Below this line is a copy of the message.

Message-ID: <m1@shop.example>
Date: Mon, 3 Feb 2025 09:59:00 +0000
From: sender@shop.example
To: bob@dest.example
`;

async function run(input: { file?: string; stdin?: Readable }) {
  const out = { stdout: '', stderr: '' };
  const code = await readBounceMail(input.file, {
    openStdin: () => input.stdin ?? Readable.from([]),
    write: (line) => {
      out.stdout += line;
    },
    writeError: (line) => {
      out.stderr += line;
    },
  });
  return { code, ...out };
}

test('prints one line of JSON with a fixed set of keys', async () => {
  const { code, stdout, stderr } = await run({ stdin: Readable.from([Buffer.from(MAIL)]) });
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout.indexOf('\n'), stdout.length - 1);
  assert.deepEqual(JSON.parse(stdout), {
    kind: 'bounce',
    recipients: [
      {
        recipient: 'bob@dest.example',
        action: 'failed',
        status: '5.1.1',
        smtpCode: 550,
        type: 'hard',
        scope: 'recipient',
        category: 'invalid_address',
        reason: 'The mailbox does not exist',
        diagnostic: '550 5.1.1 User unknown',
      },
    ],
    originalMessageId: '<m1@shop.example>',
  });
});

test('reads a file by its name', async () => {
  const file = join(folder, 'mail.eml');
  writeFileSync(file, MAIL.replaceAll('\n', '\r\n'));
  assert.equal(JSON.parse((await run({ file })).stdout).kind, 'bounce');
});

test('finds nothing in an empty input or in rubbish, and that is no error', async () => {
  const rubbish = Buffer.from(Array.from({ length: 5_000 }, (_, index) => (index * 7_919) % 256));
  for (const pieces of [[], [Buffer.alloc(0)], [rubbish]]) {
    const { code, stdout } = await run({ stdin: Readable.from(pieces) });
    assert.equal(code, 0);
    assert.equal(stdout, '{"kind":"none","recipients":[],"originalMessageId":null}\n');
  }
});

test('says what cannot be read, and ends with 1', async () => {
  const file = join(folder, 'missing.eml');
  const missing = await run({ file });
  assert.deepEqual([missing.code, missing.stdout], [1, '']);
  assert.match(missing.stderr, /^posthorn: cannot read .*missing\.eml: ENOENT/);

  const broken = new Readable({
    read() {
      this.destroy(new Error('the pipe broke'));
    },
  });
  const cut = await run({ stdin: broken });
  assert.equal(cut.code, 1);
  assert.equal(cut.stderr, 'posthorn: cannot read standard input: the pipe broke\n');
});
