import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RecipientResult } from '../../smtp/transmission.ts';
import { createTransmitter, type Transmitter } from '../../smtp/transmit.ts';
import { SANDBOX_ADDRESSES } from './sandbox-addresses.ts';
import { type SandboxMailServer, startSandboxMailServer } from './sandbox-mail-server.ts';

let server: SandboxMailServer;
let transmitter: Transmitter;

before(async () => {
  server = await startSandboxMailServer({ patience: 0 });
  transmitter = createTransmitter({
    smarthost: { host: server.host, port: server.port, secure: false },
    tlsMode: 'opportunistic',
    heloName: 'out.posthorn.test',
    connectTimeoutMs: 30_000,
    greetingTimeoutMs: 30_000,
    replyTimeoutMs: 30_000,
    dataTimeoutMs: 30_000,
    maxConnectionsPerDestination: 2,
    maxMessagesPerConnection: 100,
    idleMs: 60_000,
    now: () => 0,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
});

after(async () => {
  await transmitter.close();
  await server.stop();
});

async function attempt(...recipients: string[]): Promise<RecipientResult[]> {
  const { results } = await transmitter.transmit({
    domain: 'sandbox.test',
    envelopeFrom: 'shop@example.com',
    recipients,
    raw: Buffer.from('From: shop@example.com\r\nSubject: x\r\n\r\nHello\r\n'),
    smtputf8: false,
    signal: new AbortController().signal,
  });
  return results;
}

/** Attempts until the recipient is no longer deferred: `450, 450, 250`. */
async function answersTo(address: string): Promise<string[]> {
  const answers: string[] = [];
  for (;;) {
    const [result] = await attempt(address);
    assert.ok(result);
    answers.push(result.response ?? '');
    if (result.outcome !== 'deferred' || answers.length > 9) return answers;
  }
}

test('answers each address of the table as the table says', async () => {
  for (const { localPart, refusal, refusals, stage } of SANDBOX_ADDRESSES) {
    const answers = await answersTo(`${localPart}@sandbox.test`);
    const last = answers.pop() ?? '';
    if (refusals === null) {
      assert.deepEqual([answers, last], [[], `${refusal?.code} ${refusal?.text}`], localPart);
      continue;
    }
    assert.match(last, /^250 2\.0\.0 /, localPart);
    assert.equal(answers.length, refusals, localPart);
    for (const answer of stage === 'rcpt' ? answers : []) {
      assert.equal(answer, `${refusal?.code} ${refusal?.text}`);
    }
  }
});

test('begins to count anew once a message was taken', async () => {
  assert.equal((await answersTo('greylist@again.test')).length, 2);
  assert.equal((await answersTo('greylist@again.test')).length, 2);
});

test('takes an address that the table does not name', async () => {
  assert.match((await answersTo('anyone+news@elsewhere.test')).join(), /^250 /);
});

test('knows an address by its local part, whatever the domain, tag and case', async () => {
  assert.match((await answersTo('Bounce+orders@elsewhere.test')).join(), /^550 5\.1\.1 /);
});

test('answers each recipient of one transaction for itself', async () => {
  const results = await attempt(
    'delivered@mixed.test',
    'bounce@mixed.test',
    'defer@mixed.test',
    'full@mixed.test',
  );
  assert.deepEqual(
    results.map(({ outcome, smtpCode }) => [outcome, smtpCode]),
    [
      ['delivered', 250],
      ['refused', 550],
      ['deferred', 450],
      ['refused', 552],
    ],
  );
});

test('keeps what is refused after the message apart from the other recipients', async () => {
  const first = await attempt('delivered@apart.test', 'spam@apart.test', 'drop@apart.test');
  assert.deepEqual(
    first.map(({ smtpCode }) => smtpCode),
    [250, 452, 452],
  );
  const second = await attempt('spam@apart.test', 'drop@apart.test');
  assert.deepEqual(
    second.map(({ smtpCode }) => smtpCode),
    [550, 452],
  );
});

test('breaks the connection after the message without an answer', async () => {
  const [result] = await attempt('drop@broken.test');
  assert.equal(result?.errorCode, 'connection_lost_after_data');
  assert.equal(result?.outcome, 'deferred');
});
