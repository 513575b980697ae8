import assert from 'node:assert/strict';
import test from 'node:test';
import { silentLog } from '../../lib/log.ts';
import { createStsPolicies } from './sts-policies.ts';

const HOUR_MS = 3_600_000;
const policyText = (mode = 'enforce', maxAge = 86_400) =>
  `version: STSv1\nmode: ${mode}\nmx: mx1.example.com\nmax_age: ${maxAge}\n`;

function setUp() {
  const world = {
    nowMs: 1_000_000,
    txt: 'v=STSv1; id=1' as string | null,
    text: policyText() as string | Error,
    lookUps: 0,
    dnsCode: 'ENOTFOUND',
    fetched: [] as string[],
  };
  const policies = createStsPolicies({
    async resolveTxt(name) {
      world.lookUps += 1;
      assert.equal(name, '_mta-sts.example.com');
      if (world.txt === null) throw Object.assign(new Error('no'), { code: world.dnsCode });
      return [['v=spf1 -all'], [world.txt.slice(0, 4), world.txt.slice(4)]];
    },
    async fetchText(url) {
      world.fetched.push(url);
      if (world.text instanceof Error) throw world.text;
      return world.text;
    },
    now: () => world.nowMs,
    log: silentLog,
  });
  return { world, modeNow: async () => (await policies.find('example.com'))?.mode ?? null };
}

test('a policy is fetched once and holds, for all who ask at the same time', async () => {
  const { world, modeNow } = setUp();
  assert.deepEqual(await Promise.all([modeNow(), modeNow(), modeNow()]), Array(3).fill('enforce'));
  world.nowMs += 299_000;
  assert.equal(await modeNow(), 'enforce');
  assert.deepEqual(world.fetched, ['https://mta-sts.example.com/.well-known/mta-sts.txt']);
  assert.equal(world.lookUps, 1);
  world.nowMs += 2_000;
  await modeNow();
  assert.deepEqual([world.lookUps, world.fetched.length], [2, 1]);
});

test('a new id brings a new policy within five minutes', async () => {
  const { world, modeNow } = setUp();
  await modeNow();
  world.txt = 'v=STSv1; id=2';
  world.text = policyText('testing');
  world.nowMs += 300_001;
  assert.equal(await modeNow(), 'testing');
});

test('who hides the record or the server of a policy does not undo it before its time', async () => {
  const { world, modeNow } = setUp();
  await modeNow();
  world.txt = null;
  world.nowMs += 12 * HOUR_MS;
  assert.equal(await modeNow(), 'enforce');
  world.txt = 'v=STSv1; id=2';
  world.text = new Error('The server answered 503.');
  world.nowMs += 6 * HOUR_MS;
  assert.equal(await modeNow(), 'enforce');
  world.txt = null;
  world.nowMs += 6 * HOUR_MS;
  assert.equal(await modeNow(), null);
});

test('a policy in use is fetched anew before it ends', async () => {
  const { world, modeNow } = setUp();
  await modeNow();
  world.nowMs += 13 * HOUR_MS;
  await modeNow();
  assert.equal(world.fetched.length, 2);
  world.txt = null;
  world.nowMs += 12 * HOUR_MS;
  assert.equal(await modeNow(), 'enforce');
});

test('a policy that cannot be fetched is tried again after a minute, and holds nothing up', async () => {
  const { world, modeNow } = setUp();
  world.text = '<html>no policy</html>';
  assert.equal(await modeNow(), null);
  world.nowMs += 59_000;
  assert.equal(await modeNow(), null);
  assert.equal(world.fetched.length, 1);
  world.text = policyText();
  world.nowMs += 2_000;
  assert.equal(await modeNow(), 'enforce');
});

test('a domain whose DNS gives no answer is asked again after a minute', async () => {
  const { world, modeNow } = setUp();
  world.txt = null;
  world.dnsCode = 'ESERVFAIL';
  assert.equal(await modeNow(), null);
  world.txt = 'v=STSv1; id=1';
  world.nowMs += 61_000;
  assert.equal(await modeNow(), 'enforce');
});

test('without a record, or with mode none, there is no policy', async () => {
  const { world, modeNow } = setUp();
  world.txt = null;
  assert.equal(await modeNow(), null);
  assert.deepEqual(world.fetched, []);
  const other = setUp();
  other.world.text = policyText('none');
  assert.equal(await other.modeNow(), null);
});
