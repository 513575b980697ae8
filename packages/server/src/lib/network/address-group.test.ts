import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressGroup } from './address-group.ts';

test('an IPv4 address stands for itself, also where it is written as IPv6', () => {
  assert.equal(addressGroup('192.0.2.7'), '192.0.2.7');
  assert.equal(addressGroup('::ffff:192.0.2.7'), '192.0.2.7');
});

test('IPv6 addresses of one /64 are one group', () => {
  assert.equal(addressGroup('2001:db8:1:2:aaaa::1'), '2001:db8:1:2::/64');
  assert.equal(addressGroup('2001:db8:1:2:bbbb::9'), addressGroup('2001:db8:1:2:aaaa::1'));
  assert.notEqual(addressGroup('2001:db8:1:3::1'), addressGroup('2001:db8:1:2::1'));
  assert.equal(addressGroup('fe80::1%eth0'), 'fe80::/64');
});

test('what is no address is its own group', () => {
  assert.equal(addressGroup(''), '');
  assert.equal(addressGroup('nonsense'), 'nonsense');
});
