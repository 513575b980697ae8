import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDatabaseUrl } from './connection-settings.ts';
import { decodeText, encodeText } from './text.ts';

test('a URL says where, who, and how', () => {
  assert.deepEqual(parseDatabaseUrl('postgresql://us%40er:p%2Fw@[::1]:6543/my%20db'), {
    host: '::1',
    port: 6543,
    user: 'us@er',
    password: 'p/w',
    database: 'my db',
    ssl: false,
    applicationName: 'posthorn',
  });
  const socket = parseDatabaseUrl('postgres:///db?host=/run/postgresql&application_name=one');
  assert.deepEqual(
    [socket.host, socket.port, socket.user, socket.password, socket.applicationName],
    ['/run/postgresql', 5432, undefined, undefined, 'one'],
  );
});

test('each sslmode checks what it says, and those that check nothing by accident are refused', () => {
  const ssl = (mode: string) => parseDatabaseUrl(`postgres://h/d?sslmode=${mode}`).ssl;
  assert.equal(ssl('disable'), false);
  assert.deepEqual(ssl('verify-full'), {});
  assert.deepEqual(ssl('require'), { rejectUnauthorized: false });
  const byAuthority = ssl('verify-ca');
  assert.ok(byAuthority !== false && byAuthority.rejectUnauthorized === undefined);
  assert.equal(byAuthority.checkServerIdentity?.('any.test', {} as never), undefined);
  for (const mode of ['prefer', 'allow', 'no-verify', ''])
    assert.throws(() => ssl(mode), /sslmode/);
});

test('any text comes back from the form in which it is stored, and no two texts share one', () => {
  const text = fc.string({ unit: fc.constantFrom('\u0000', '\u001a', '0', '1', 'a', '🙂') });
  fc.assert(
    fc.property(text, text, (one, two) => {
      const stored = encodeText(one);
      assert.ok(!stored.includes('\u0000'));
      assert.equal(decodeText(stored), one);
      assert.equal(stored === encodeText(two), one === two);
    }),
  );
});
