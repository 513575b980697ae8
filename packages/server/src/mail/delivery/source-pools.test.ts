import assert from 'node:assert/strict';
import test from 'node:test';
import { findPool, parseSourcePools, parseWarmup } from './source-pools.ts';

test('pools are read with weights and the days on which addresses began', () => {
  const pools = parseSourcePools('main=192.0.2.7*3,192.0.2.8; bulk=2001:db8::9~2026-11-20 ;');
  assert.deepEqual(
    [...pools],
    [
      [
        'main',
        [
          { address: '192.0.2.7', weight: 3, warmingSinceMs: null },
          { address: '192.0.2.8', weight: 1, warmingSinceMs: null },
        ],
      ],
      [
        'bulk',
        [{ address: '2001:db8::9', weight: 1, warmingSinceMs: Date.parse('2026-11-20T00:00:00Z') }],
      ],
    ],
  );
  assert.equal(parseSourcePools('').size, 0);
});

test('what is no pool is said', () => {
  for (const wrong of [
    '192.0.2.7',
    'main=mx.test',
    'main=192.0.2.7*0',
    'main=192.0.2.7~2026-13-40',
    'main=192.0.2.7,192.0.2.7',
    'a=192.0.2.7;b=192.0.2.7',
    'a=192.0.2.7;a=192.0.2.8',
  ]) {
    assert.throws(() => parseSourcePools(wrong), Error, wrong);
  }
  assert.throws(() => parseWarmup('100,many'), /such as 100,200/);
  assert.deepEqual(parseWarmup('100, 200'), [100, 200]);
});

test('a stream has the pool that it names, or the addresses without a pool', () => {
  const mailPools = parseSourcePools('main=192.0.2.7');
  const config = { mailPools, mailSourceAddresses: ['192.0.2.1'] };
  assert.equal(findPool(config, 'main', 'x')[0]?.address, '192.0.2.7');
  assert.equal(findPool(config, null, 'x')[0]?.address, '192.0.2.1');
  assert.throws(
    () => findPool(config, 'bulk', 'mail_pool_broadcast'),
    /^Error: mail_pool_broadcast: there is no pool "bulk" in mail_pools \(there are: main\)$/,
  );
});
