import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import PostalMime from 'postal-mime';
import { PROJECT, sampleInput } from '../fixtures/set-up-mail.ts';
import {
  composeComplaint,
  composeDsn,
  RETURN_PATH_DOMAIN,
  setUpReturnPath,
} from '../fixtures/set-up-return-path.ts';
import { createUnsubscribeMail, type UnsubscribeMail } from './unsubscribe-mail.ts';

const [MILA, OTTO] = ['mila@example.com', 'otto@example.com'];

/** A newsletter to two people that has gone out, and the address in List-Unsubscribe of each. */
async function sent(t: TestContext) {
  let room: UnsubscribeMail | null = null;
  const mail = await setUpReturnPath(t, {
    unsubscribeAddress: (message, recipient) => room?.addressOf(message, recipient) ?? null,
    doors: ({ secretBox, store, directory, trackingRoom }) => {
      room = createUnsubscribeMail({
        config: {
          returnPathPort: 0,
          returnPathDomain: RETURN_PATH_DOMAIN,
          maxMessageSize: 1_000_000,
        },
        ...{ secretBox, directory, messages: store.messages },
        projectIds: () => [PROJECT],
      });
      return [room.doorTo(trackingRoom.unsubscriber)];
    },
  });
  const input = sampleInput({
    to: [MILA, OTTO].map((email) => ({ email, name: null })),
    stream: 'broadcast',
    unsubscribe: { url: null, mailto: null, hosted: true },
  });
  const { messageId } = await mail.acceptor.acceptInput(PROJECT, input, () => []);
  await mail.untilAll('delivered');
  const addresses = await Promise.all(
    mail.transmitter.jobs.map(async ({ raw }) => {
      const { headers } = await PostalMime.parse(Buffer.from(raw));
      const value = headers.find(({ key }) => key === 'list-unsubscribe')?.value ?? '';
      return /<mailto:([^?>]+)\?subject=unsubscribe>/.exec(value)?.[1] ?? '';
    }),
  );
  const isSuppressed = async (address: string) =>
    (await mail.store.suppressions.at({ projectId: PROJECT, address, stream: 'broadcast' }, 0)) !==
    null;
  const note = (from = MILA): string => `From: ${from}\r\nSubject: unsubscribe\r\n\r\n`;
  return { ...mail, id: messageId, addresses, isSuppressed, note };
}

test('a mail to the address unsubscribes its recipient alone, once, as a click does', async (t) => {
  const mail = await sent(t);
  const [address = ''] = mail.addresses;
  assert.match(address, /^unsub\+[0-9a-z]{55}@bounces\.posthorn\.test$/);
  for (const to of [address, address.toUpperCase()]) {
    // Whoever writes: he has the address out of the mail, and mail programs write under other names.
    assert.match(await mail.comeBack(to, mail.note('alias@elsewhere.example'), OTTO), /^250/);
  }
  const left = (await mail.eventsOf(mail.id)).filter(({ type }) => type === 'email.unsubscribed');
  assert.deepEqual(
    left.map(({ data }) => [data.recipient, data.unsubscribe, data.engagement]),
    [[MILA, { method: 'mailto', group: null }, undefined]],
  );
  assert.deepEqual([await mail.isSuppressed(MILA), await mail.isSuppressed(OTTO)], [true, false]);
});

test('addresses that were made up or changed are unknown', async (t) => {
  const mail = await sent(t);
  const [address = ''] = mail.addresses;
  const [local = '', domain] = address.split('@');
  const middle = local.slice(0, 40) + (local[40] === 'a' ? 'b' : 'a') + local.slice(41);
  for (const to of [
    `${middle}@${domain}`,
    `unsub+${'0'.repeat(55)}@${domain}`,
    `unsub@${domain}`,
    // A return path's proof is no proof here, nor the other way round.
    mail.returnPathOf(MILA).replace('bounce+', 'unsub+'),
    address.replace('unsub+', 'bounce+'),
  ]) {
    assert.match(await mail.comeBack(to, mail.note(), MILA), /^550 5\.1\.1/, to);
  }
  assert.equal(await mail.isSuppressed(MILA), false);
});

test('reports and automatic replies unsubscribe nobody', async (t) => {
  const mail = await sent(t);
  const [address = ''] = mail.addresses;
  for (const raw of [
    composeDsn({ recipient: MILA }),
    composeComplaint({ returned: ['Subject: x'] }),
    `From: ${MILA}\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\nAway.`,
  ]) {
    assert.match(await mail.comeBack(address, raw), /^250/);
  }
  assert.equal((await mail.typesOf(mail.id)).includes('unsubscribed'), false);
});

test('what the store does not take is put off', async (t) => {
  const mail = await sent(t);
  const [address = ''] = mail.addresses;
  mail.engine.fail();
  assert.match(await mail.comeBack(address, mail.note(), MILA), /^451/);
  mail.engine.recover();
  assert.match(await mail.comeBack(address, mail.note(), MILA), /^250/);
  assert.equal(await mail.isSuppressed(MILA), true);
});
