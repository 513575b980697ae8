import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { TEST_CERTIFICATE } from './fixtures/test-certificate.ts';
import type { SmtpListener } from './smtp-listener.ts';
import type { SubmissionOptions, SubmittedMessage } from './submission.ts';
import { createSubmissionServer } from './submission-server.ts';

const run = promisify(execFile);

function swaksMissing(): string | false {
  try {
    const support = execFileSync('swaks', ['--support'], { encoding: 'utf8' });
    if (/^=== TLS supported$/m.test(support)) return false;
  } catch {
    // Said below.
  }
  if (process.env['CI']) throw new Error('swaks is not installed, or cannot do TLS');
  return 'swaks is not installed (apt-get install swaks libnet-ssleay-perl)';
}

/** What it printed, and its exit code: 0 where the message was taken. */
async function runSwaks(args: readonly string[]): Promise<{ code: number; output: string }> {
  const usual = ['--server', '127.0.0.1', '--from', 'a@example.org', '--helo', 'app.test'];
  try {
    const { stdout } = await run('swaks', [...usual, ...args], { timeout: 20_000 });
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, output: stdout };
  }
}

describe('swaks', { skip: swaksMissing(), concurrency: true }, () => {
  const accepted: SubmittedMessage[] = [];
  const options: SubmissionOptions = {
    hostname: 'mail.posthorn.test',
    tls: TEST_CERTIFICATE,
    requireTls: true,
    maxSizeBytes: 1_000_000,
    maxRecipients: 100,
    maxConnections: 50,
    maxConnectionsPerAddress: 50,
    idleMs: 60_000,
    authenticate: async ({ password }) =>
      password === 'key1'
        ? { projectId: 'prj_1', keyMode: 'live', explainEnd: async () => null }
        : { refusal: 'No key.' },
    accept: async (message) => {
      accepted.push(message);
      return { messageId: `msg_${accepted.length}` };
    },
    canAccept: () => ({ ok: true }),
    log: { debug() {}, info() {}, warn() {}, error() {} },
  };
  let plain: SmtpListener;
  let tls: SmtpListener;
  const portOf = (server: SmtpListener): string[] => ['--port', String(server.address().port)];
  const as = (password: string): string[] => ['--auth-user', 'any', '--auth-password', password];

  before(async () => {
    plain = createSubmissionServer(options);
    tls = createSubmissionServer({ ...options, implicitTls: true });
    for (const server of [plain, tls]) await server.listen({ host: '127.0.0.1', port: 0 });
  });
  after(() => Promise.all([plain, tls].map((server) => server.close({ graceMs: 0 }))));

  for (const [name, server, args] of [
    ['STARTTLS and PLAIN', () => plain, ['--tls', '--auth', 'PLAIN']],
    ['STARTTLS and LOGIN', () => plain, ['--tls', '--auth', 'LOGIN']],
    ['TLS from the first byte', () => tls, ['--tls-on-connect', '--auth', 'PLAIN']],
    ['pipelined', () => plain, ['--tls', '--auth', 'PLAIN', '--pipeline']],
  ] as const) {
    test(`sends with ${name}`, async () => {
      const to = `${name.replaceAll(/\W/g, '').toLowerCase()}@example.com`;
      const port = portOf(server());
      const { code, output } = await runSwaks([...port, ...args, ...as('key1'), '--to', to]);
      assert.equal(code, 0, output);
      assert.match(output, /250 2\.0\.0 Queued as msg_\d/);
      assert.equal(accepted.filter(({ recipients }) => recipients.includes(to)).length, 1);
    });
  }

  for (const [name, args, reply] of [
    ['without a login', ['--tls', '--to', 'x@example.com'], /530 5\.7\.0/],
    ['with a wrong key', ['--tls', ...as('wrong'), '--to', 'x@example.com'], /535 5\.7\.8/],
    [
      'to a percent hack',
      ['--tls', ...as('key1'), '--to', 'x%y@[127.0.0.1]'],
      /501 5\.1\.3|No recipients/,
    ],
  ] as const) {
    test(`sends nothing ${name}`, async () => {
      const { code, output } = await runSwaks([...portOf(plain), ...args]);
      assert.notEqual(code, 0);
      assert.match(output, reply);
      assert.equal(
        accepted.some(({ recipients }) => recipients.includes('x@example.com')),
        false,
      );
    });
  }

  test('sends nothing and no password before STARTTLS', async () => {
    const { code, output } = await runSwaks([
      ...portOf(plain),
      ...as('key1'),
      '--to',
      'p@example.com',
    ]);
    assert.notEqual(code, 0);
    assert.match(output, /538 5\.7\.11|530 5\.7\.0/);
  });
});
