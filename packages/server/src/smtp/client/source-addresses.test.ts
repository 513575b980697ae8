import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSourceAddresses, createSourceAddresses } from './source-addresses.ts';

test('take turns within the family of the destination', () => {
  const sources = createSourceAddresses(['192.0.2.1', '2001:db8::1', '192.0.2.2']);
  const order = ['198.51.100.1', '198.51.100.2', '2001:db8::9', '198.51.100.1', '2001:db8::9'];
  assert.deepEqual(order.map(sources.next), [
    '192.0.2.1',
    '192.0.2.2',
    '2001:db8::1',
    '192.0.2.1',
    '2001:db8::1',
  ]);
});

test('the system chooses where none are given, or the destination is a name', () => {
  assert.equal(createSourceAddresses([]).next('198.51.100.1'), undefined);
  assert.equal(createSourceAddresses(['192.0.2.1']).next('relay.example.com'), undefined);
  assert.equal(createSourceAddresses(['192.0.2.1']).next('2001:db8::9'), null);
});

test('an address that this machine does not have is refused', async () => {
  await checkSourceAddresses(['127.0.0.1', '127.0.0.9']);
  await assert.rejects(
    checkSourceAddresses(['127.0.0.1', '192.0.2.77']),
    /^Error: mail_source_addresses: 192\.0\.2\.77 is not an address of this machine.*EADDRNOTAVAIL/,
  );
});
