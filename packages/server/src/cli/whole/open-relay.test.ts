import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playTrick, relayTricks } from '../../smtp/fixtures/relay-tricks.ts';
import { startScriptedServer } from '../../smtp/fixtures/scripted-server.ts';
import { startWholeServer } from './fixtures/whole-server.ts';

const OURS = 'bounces.posthorn.test';
/** Each waits a tenth of a second for the greeting. */
const AT_ONCE = 20;

test('nothing that a stranger says makes the server send mail, or keep any', async (t) => {
  const smarthost = await startScriptedServer(async (peer) => peer.send('554 5.3.2 Nobody\r\n'));
  t.after(() => smarthost.close());
  const server = await startWholeServer({
    smarthost: `smtp://127.0.0.1:${smarthost.port}`,
    returnPathPort: '0',
    returnPathDomain: OURS,
  });
  t.after(() => server.stop());
  const tricks = relayTricks(OURS);
  for (const port of [server.smtpPort, server.returnPathPort]) {
    for (let i = 0; i < tricks.length; i += AT_ONCE) {
      const some = tricks.slice(i, i + AT_ONCE);
      const replies = await Promise.all(some.map((trick) => playTrick(port, trick)));
      for (const [at, said] of replies.entries()) {
        assert.ok(said.length > 0, some[at]?.name);
        assert.doesNotMatch(said.join('\n'), /^(?:235|354|250 2\.1\.5)/m, some[at]?.name);
      }
    }
  }
  const { data } = await server.client.get('/v1/messages');
  assert.deepEqual(data, []);
  assert.equal(smarthost.connections(), 0);
});
