import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { until } from '../../lib/fixtures/test-clock.ts';
import { createLoopbackTransmitter } from '../../smtp/fixtures/loopback-transmitter.ts';
import { postfixMissing, startPostfix } from '../../smtp/fixtures/postfix.ts';
import { startScriptedServer } from '../../smtp/fixtures/scripted-server.ts';
import { PROJECT } from '../fixtures/set-up-mail.ts';
import { RETURN_PATH_DOMAIN, setUpReturnPath } from '../fixtures/set-up-return-path.ts';

const GONE = 'gone@inside.test';
const FULL = 'full@inside.test';

/** The server behind Postfix: it knows nobody, or has no room. */
async function startInside(t: TestContext) {
  const inside = await startScriptedServer(async (peer) => {
    peer.send('220 inside.test ESMTP\r\n');
    for (let line = await peer.line(); line !== null; line = await peer.line()) {
      if (/^EHLO/i.test(line)) peer.send('250-inside.test\r\n250 ENHANCEDSTATUSCODES\r\n');
      else if (/^RCPT.*full@/i.test(line)) peer.send('552 5.2.2 The mailbox is full\r\n');
      else if (/^RCPT/i.test(line)) peer.send('550 5.1.1 No such user here\r\n');
      else if (/^QUIT/i.test(line)) peer.send('221 Bye\r\n');
      else peer.send('250 Ok\r\n');
    }
  });
  t.after(() => inside.close());
  return inside;
}

describe('bounces of Postfix', { skip: postfixMissing() }, () => {
  test('what it has taken and could not hand on comes back to its message and recipient', async (t) => {
    const inside = await startInside(t);
    const mail = await setUpReturnPath(t, { idle: true });
    const postfix = await startPostfix(undefined, {
      'inside.test': inside.port,
      [RETURN_PATH_DOMAIN]: mail.port,
    });
    t.after(() => postfix.stop());
    const transmitter = createLoopbackTransmitter(postfix.port, 'opportunistic');
    t.after(() => transmitter.close());
    mail.transmitter.transmit = transmitter.transmit;
    mail.deliverer.start();

    const id = await mail.send(GONE, FULL);
    await until('both bounces have come back', () => mail.taken.length === 2);

    const found = (await mail.eventsOf(id)).filter(({ type }) => type === 'email.bounced');
    const bounces = new Map(found.map(({ data }) => [data.recipient, data]));
    const [gone, full] = [bounces.get(GONE), bounces.get(FULL)];
    assert.deepEqual(
      [gone, full].map((data) => [
        data?.previous_state,
        data?.bounce?.type,
        data?.bounce?.category,
      ]),
      [
        ['delivered', 'hard', 'invalid_address'],
        ['delivered', 'soft', 'mailbox_full'],
      ],
    );
    assert.deepEqual(
      [gone?.bounce?.async, gone?.bounce?.from_dsn, gone?.bounce?.suppressed],
      [true, true, true],
    );
    assert.match(gone?.delivery?.response ?? '', /550 5\.1\.1 No such user here/);
    const at = (address: string) =>
      mail.store.suppressions.at({ projectId: PROJECT, address, stream: null }, 0);
    assert.equal((await at(GONE))?.reason, 'hard_bounce');
    assert.equal(await at(FULL), null);
  });
});
