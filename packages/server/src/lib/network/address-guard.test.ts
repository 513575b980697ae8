import assert from 'node:assert/strict';
import test from 'node:test';
import { createAddressGuard } from './address-guard.ts';

const FORBIDDEN = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '192.168.0.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::a00:1',
  '64:ff9b:1::a00:1',
  // 10.0.0.1 in a /48 of a network's own, with a public address where the /96 has it.
  '64:ff9b:1:a00:0:100:808:808',
  '::ffff:0:127.0.0.1',
  '2002:7f00:1::',
  '2002:a00:1::1',
  '2002:c0a8:1::',
  '2001:0:4136:e378:8000:63bf:f5ff:fffe',
  '2001:db8::1',
  '3fff::1',
  'fc00::1',
  'fd00::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '100::1',
  '4000::1',
  'fd00:ec2::254',
];

const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '93.184.215.14',
  '2606:4700:4700::1111',
  '64:ff9b::808:808',
  '::ffff:8.8.8.8',
];

test('every form of an address that leads inside is refused', () => {
  const guard = createAddressGuard([]);
  for (const address of FORBIDDEN) assert.notEqual(guard.refuse(address), null, address);
});

test('public addresses pass', () => {
  const guard = createAddressGuard([]);
  for (const address of PUBLIC) assert.equal(guard.refuse(address), null, address);
});

test('what is no address is refused', () => {
  for (const text of ['', 'localhost', '127.1', '0x7f.1', '999.1.1.1', 'fe80::1%eth0x']) {
    assert.notEqual(createAddressGuard([]).refuse(text), null, text);
  }
});

test('an operator opens a network by name or block, and nothing beside it', () => {
  const guard = createAddressGuard(['loopback', '10.1.0.0/16']);
  assert.equal(guard.refuse('127.0.0.1'), null);
  assert.equal(guard.refuse('::ffff:127.0.0.1'), null);
  assert.equal(guard.refuse('10.1.2.3'), null);
  assert.match(guard.refuse('10.2.0.1') ?? '', /private/);
  assert.throws(() => createAddressGuard(['lookback']), /"lookback" is not a network.*loopback/);
});
