import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../../lib/fixtures/test-clock.ts';
import { eximMissing, startExim } from '../../smtp/fixtures/exim.ts';
import { createLoopbackTransmitter } from '../../smtp/fixtures/loopback-transmitter.ts';
import { setUpReturnPath } from '../fixtures/set-up-return-path.ts';

const KNOWN = 'known@example.com';
/** Exim takes mail for it, and finds out afterwards that the account was closed. */
const LATE = 'late@example.com';

describe('bounces of Exim', { skip: eximMissing() }, () => {
  test('what it has taken and could not hand on comes back to its message and recipient', async (t) => {
    const mail = await setUpReturnPath(t, { idle: true });
    const exim = await startExim({ returnPathPort: mail.port });
    t.after(() => exim.stop());
    const transmitter = createLoopbackTransmitter(exim.port, 'opportunistic');
    t.after(() => transmitter.close());
    mail.transmitter.transmit = transmitter.transmit;
    mail.deliverer.start();

    const id = await mail.send(KNOWN, LATE);
    await until('the bounce has come back', () => mail.taken.length === 1).catch(() =>
      assert.fail(exim.log()),
    );
    const found = (await mail.eventsOf(id)).filter(({ type }) => type === 'email.bounced');
    assert.deepEqual(
      found.map(({ data }) => [
        data.recipient,
        data.previous_state,
        data.bounce?.async,
        data.bounce?.from_dsn,
        data.delivery?.mx,
      ]),
      [[LATE, 'delivered', true, true, 'mx.exim.test']],
    );
    assert.match(found[0]?.data.bounce?.description ?? '', /\w/);
    assert.match(await exim.nextMail(), /envelope-from <bounce\+\w{55}@bounces\.posthorn\.test>/);
  });
});
