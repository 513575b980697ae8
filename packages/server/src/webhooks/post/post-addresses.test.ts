import assert from 'node:assert/strict';
import test from 'node:test';
import { createAddressGuard } from '../../lib/network/address-guard.ts';
import { startRawServer } from '../fixtures/raw-server.ts';
import { fakeLookup, OK, setUpPostClient } from './fixtures/set-up-post-client.ts';

/** The forms of lib/network/address-guard.test.ts as a URL can write them, and names of this machine. */
const FORBIDDEN_HOSTS = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '017700000001',
  '%31%32%37.0.0.1',
  '１２７.0.0.1',
  '127。0。0。1',
  '0',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '169.254.169.254',
  '0xa9fea9fe',
  '100.64.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b::169.254.169.254]',
  '[64:ff9b:1::a00:1]',
  '[64:ff9b:1:a00:0:100:808:808]',
  '[2002:7f00:1::]',
  '[2002:a9fe:a9fe::1]',
  '[2001:0:4136:e378:8000:63bf:f5ff:fffe]',
  '[2001:db8::1]',
  '[fc00::1]',
  '[fe80::1]',
  '[FE80::1]',
  '[fec0::1]',
  '[ff02::1]',
  '[4000::1]',
  'localhost',
  'LOCALHOST',
  'ｌｏｃａｌｈｏｓｔ',
  'localhoſt',
  'localhost.',
  'app.localhost',
  'user:secret@127.0.0.1',
  'example.com@127.0.0.1',
];

test('every way to write a forbidden address is refused without a connection or a look-up', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  const { lookup, asked } = fakeLookup(['127.0.0.1']);
  const { post } = setUpPostClient(t, { guard: createAddressGuard([]), lookup });
  for (const host of FORBIDDEN_HOSTS) {
    for (const scheme of ['http', 'https']) {
      const result = await post(`${scheme}://${host}:${server.port}/`);
      assert.equal(result.errorCode, 'address_not_allowed', host);
      assert.notEqual(result.errorDetail, null);
    }
  }
  assert.deepEqual(asked, []);
  assert.equal(server.connections, 0);
});

test('a name that leads to a forbidden address is refused without a connection', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', '169.254.169.254']) {
    const { lookup } = fakeLookup([address]);
    const { post } = setUpPostClient(t, { guard: createAddressGuard([]), lookup });
    const result = await post(`http://rebind.example.com:${server.port}/`);
    assert.equal(result.errorCode, 'address_not_allowed', address);
    assert.match(result.errorDetail ?? '', /rebind\.example\.com/);
  }
  assert.equal(server.connections, 0);
});

test('a name whose address turns private after the first look-up is never dialled there', async (t) => {
  // "Public" is 127.0.0.2 here, the only forbidden address of this guard is 127.0.0.1.
  const server = await startRawServer(t, (socket) => socket.end(OK));
  const guard = {
    refuse: (address: string) => (address === '127.0.0.2' ? null : `${address} is private`),
  };
  const { lookup, asked } = fakeLookup(['127.0.0.2'], ['127.0.0.1']);
  const { post } = setUpPostClient(t, { guard, lookup });
  const first = await post(`http://rebind.example.com:${server.port}/`);
  // The server listens on 127.0.0.1 alone: what was dialled was the address that was checked.
  assert.equal(first.errorCode, 'connection_refused');
  const second = await post(`http://rebind.example.com:${server.port}/`);
  assert.equal(second.errorCode, 'address_not_allowed');
  assert.equal(asked.length, 2);
  assert.equal(server.connections, 0);
});

test('of several addresses only the allowed ones are dialled, whatever their order', async (t) => {
  const server = await startRawServer(t, (socket) => socket.write(OK));
  const guard = {
    refuse: (address: string) => (address === '127.0.0.2' ? null : `${address} is private`),
  };
  for (const both of [
    ['127.0.0.2', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.2'],
    ['::1', '127.0.0.1', '127.0.0.2'],
  ]) {
    const { lookup } = fakeLookup(both);
    const { post } = setUpPostClient(t, { guard, lookup });
    const result = await post(`http://rebind.example.com:${server.port}/`);
    assert.equal(result.errorCode, 'connection_refused');
  }
  assert.equal(server.connections, 0);
});
