import assert from 'node:assert/strict';
import test from 'node:test';
import { parseSmarthost } from './smarthost.ts';

test('a smarthost is read from its URL, with the ports that the schemes mean', () => {
  const base = { host: 'mail.example.com', port: 25, secure: false };
  assert.deepEqual(parseSmarthost('smtp://mail.example.com'), base);
  assert.deepEqual(parseSmarthost('smtps://mail.example.com'), {
    ...base,
    port: 465,
    secure: true,
  });
  assert.deepEqual(parseSmarthost('smtp://us%40er:p%3Ass@mail.example.com'), {
    ...base,
    port: 587,
    requireTls: true,
    user: 'us@er',
    pass: 'p:ss',
  });
  assert.equal(parseSmarthost('smtp://[2001:db8::1]:2525').host, '2001:db8::1');
});

test('TLS can be required, and the certificate left unchecked, by a parameter', () => {
  const { requireTls, verify } = parseSmarthost(
    'smtp://mail.example.com?require_tls=true&verify=false',
  );
  assert.deepEqual([requireTls, verify], [true, false]);
});

test('a password asks for TLS, except on this machine and where the URL says otherwise', () => {
  const requireTls = (url: string) => parseSmarthost(url).requireTls;
  assert.equal(requireTls('smtp://user:pass@mail.example.com'), true);
  assert.equal(requireTls('smtp://user:pass@mail.example.com?require_tls=false'), false);
  assert.equal(requireTls('smtp://user:pass@127.0.0.1:2525'), undefined);
  assert.equal(requireTls('smtp://user:pass@localhost:2525'), undefined);
  assert.equal(requireTls('smtps://user:pass@mail.example.com'), undefined);
});

test('what is no smarthost is explained', () => {
  assert.throws(() => parseSmarthost('mail.example.com'), /smtp:\/\/user:password@/);
  assert.throws(() => parseSmarthost('https://mail.example.com'), /not https:/);
});
