import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { silentLog } from '../../lib/log.ts';
import {
  type Conversation,
  converse,
  type ScriptedServer,
  startScriptedServer,
} from '../../smtp/fixtures/scripted-server.ts';
import { createTransmitter } from '../../smtp/transmit.ts';
import { createRelayChain } from './relay-chain.ts';

async function serve(t: TestContext, talk: Conversation): Promise<ScriptedServer> {
  const server = await startScriptedServer((peer) => converse(peer, talk));
  t.after(() => server.close());
  return server;
}

function chainOf(t: TestContext, ports: readonly number[], user?: string) {
  let nowMs = 0;
  const relays = ports.map((port) => {
    const login = user === undefined ? {} : { user, pass: 'secret' };
    const transmitter = createTransmitter({
      smarthost: { host: '127.0.0.1', port, secure: false, ...login },
      heloName: 'out.posthorn.test',
      connectTimeoutMs: 30_000,
      greetingTimeoutMs: 30_000,
      replyTimeoutMs: 30_000,
      dataTimeoutMs: 30_000,
      maxConnectionsPerDestination: 5,
      maxMessagesPerConnection: 1,
      idleMs: 60_000,
      tlsMode: 'opportunistic',
      now: () => nowMs,
      log: silentLog,
    });
    return { name: `127.0.0.1:${port}`, transmitter };
  });
  const chain = createRelayChain(relays, { now: () => nowMs, log: silentLog });
  t.after(() => chain.close());
  return {
    advance(ms: number) {
      nowMs += ms;
    },
    async send(...recipients: string[]) {
      return chain.transmit({
        domain: 'example.com',
        envelopeFrom: 'a@example.org',
        recipients,
        raw: Buffer.from('Subject: x\r\n\r\nHi\r\n'),
        smtputf8: false,
        signal: new AbortController().signal,
      });
    },
  };
}

const portOfNobody = async (): Promise<number> => {
  const server = await startScriptedServer(async () => {});
  await server.close();
  return server.port;
};

test('where the first relay is not reached the second takes the mail, and the first is left alone', async (t) => {
  const second = await serve(t, {});
  const { send, advance } = chainOf(t, [await portOfNobody(), second.port]);
  const { results, transcript, site } = await send('b@example.com');
  assert.deepEqual([results[0]?.outcome, results[0]?.mx, site], ['delivered', '127.0.0.1', null]);
  const notes = transcript.filter(({ from }) => from === 'note').map(({ text }) => text);
  assert.equal(notes.filter((text) => text.startsWith('Connecting')).length, 2);
  const again = await send('b@example.com');
  assert.ok(again.transcript[0]?.text.includes(`port ${second.port}`));
  advance(30_000);
  const later = await send('b@example.com');
  assert.ok(!later.transcript[0]?.text.includes(`port ${second.port}`));
});

test('a relay that works again is the first one again', async (t) => {
  let isUp = false;
  const first = await startScriptedServer((peer) =>
    converse(peer, isUp ? {} : { greeting: '421 4.3.2 Not now' }),
  );
  t.after(() => first.close());
  const second = await serve(t, {});
  const { send, advance } = chainOf(t, [first.port, second.port]);
  await send('b@example.com');
  isUp = true;
  advance(30_000);
  await send('b@example.com');
  await send('b@example.com');
  assert.deepEqual([first.connections(), second.connections()], [3, 1]);
});

test('an answer about a recipient stands: it is not carried to the next relay', async (t) => {
  const first = await serve(t, {
    rcpt: (line) => (line.includes('no@') ? '550 5.1.1 No such user' : '250 OK'),
  });
  const second = await serve(t, {});
  const { send } = chainOf(t, [first.port, second.port]);
  const { results } = await send('b@example.com', 'no@example.com');
  assert.deepEqual(
    results.map(({ recipient, outcome }) => [recipient, outcome]),
    [
      ['b@example.com', 'delivered'],
      ['no@example.com', 'refused'],
    ],
  );
  assert.equal(second.connections(), 0);
});

test('a message that may have arrived is not sent by another relay', async (t) => {
  const first = await serve(t, { body: (peer) => peer.drop() });
  const second = await serve(t, {});
  const { send } = chainOf(t, [first.port, second.port]);
  const { results } = await send('b@example.com');
  assert.equal(results[0]?.errorCode, 'connection_lost_after_data');
  assert.equal(second.connections(), 0);
});

test('a relay that does not let us in is passed over; nobody bounces for it', async (t) => {
  const refusing = await serve(t, {
    extensions: ['AUTH PLAIN'],
    auth: '535 5.7.8 Wrong password',
  });
  const gone = await serve(t, { greeting: '521 5.3.2 We take no mail' });
  const { send } = chainOf(t, [refusing.port, gone.port], 'user');
  const { results } = await send('b@example.com');
  assert.equal(results[0]?.outcome, 'deferred');
  assert.deepEqual([refusing.connections(), gone.connections()], [1, 1]);
  // Nobody is left that is not resting, so all are asked.
  await send('b@example.com');
  assert.deepEqual([refusing.connections(), gone.connections()], [2, 2]);
});
