import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composeDsn, deliverTo } from '../../mail/fixtures/set-up-return-path.ts';
import { startScriptedServer } from '../../smtp/fixtures/scripted-server.ts';
import { startWholeServer } from './fixtures/whole-server.ts';

const MILA = 'mila@example.com';

test('a bounce that comes back reaches the endpoint and keeps the address from more mail', async (t) => {
  const smarthost = await startScriptedServer(async (peer) => {
    peer.send('220 relay.test\r\n');
    for (let line = await peer.line(); line !== null; line = await peer.line()) {
      if (line === 'DATA') {
        peer.send('354 Go on\r\n');
        await peer.body();
      }
      peer.send('250 Ok\r\n');
    }
  });
  t.after(() => smarthost.close());
  const server = await startWholeServer({
    smarthost: `smtp://127.0.0.1:${smarthost.port}`,
    returnPathPort: '0',
    returnPathDomain: 'Bounces.Posthorn.Test',
  });
  t.after(() => server.stop());
  const { client, receiver, returnPathPort } = server;
  const send = async () =>
    client.post('/v1/messages', {
      from: 'shop@example.org',
      to: [MILA],
      subject: 'Your receipt',
      text: 'Thank you.\n',
    });

  const { id } = await send();
  await receiver.until(({ type }) => type === 'email.delivered');
  const mailFrom = smarthost.lines.flat().find((line) => line.startsWith('MAIL FROM:'));
  const returnPath = /<(bounce\+\w{55}@bounces\.posthorn\.test)>/.exec(mailFrom ?? '')?.[1] ?? '';
  const reply = await deliverTo(returnPathPort, {
    from: '',
    to: returnPath,
    raw: composeDsn({ recipient: MILA }),
  });
  assert.match(reply, /^250 /);

  const { data } = await receiver.until(({ type }) => type === 'email.bounced');
  assert.deepEqual(
    [data.message?.id, data.recipient, data.bounce?.async, data.bounce?.suppressed, data.state],
    [id, MILA, true, true, 'bounced'],
  );
  const added = await receiver.until(({ type }) => type === 'suppression.added');
  assert.equal(added.data.recipient, MILA);
  const second = await send();
  const rejected = await receiver.until(({ type }) => type === 'email.rejected');
  assert.equal(rejected.data.message?.id, second.id);
});
