import assert from 'node:assert/strict';
import test from 'node:test';
import { createProxyBypass, parseProxyUrl } from './proxy-settings.ts';

test('reads the address of a proxy, and its password with every character', () => {
  assert.deepEqual(parseProxyUrl('http://proxy.example.com:3128'), {
    tls: false,
    hostname: 'proxy.example.com',
    port: 3_128,
    authorization: null,
  });
  assert.deepEqual(parseProxyUrl('https://[2001:db8::1]/'), {
    tls: true,
    hostname: '2001:db8::1',
    port: 443,
    authorization: null,
  });
  const { authorization } = parseProxyUrl('http://m%40x:p%3A%25%C3%BC@proxy');
  assert.equal(authorization, `Basic ${Buffer.from('m@x:p:%ü').toString('base64')}`);
});

test('what cannot be used is refused without saying the password', () => {
  for (const [url, message] of [
    ['socks5://u:s3cret@proxy:1080', /SOCKS is not supported/],
    ['ftp://u:s3cret@proxy', /http:\/\/host:port/],
    ['u:s3cret@proxy:3128', /http:\/\//],
    ['http://u:s3cret@proxy:99999', /not a URL/],
    ['http://u:s3cret@proxy/path', /ends after the port/],
    ['http://u:s3cret%@proxy', /%25/],
  ] as const) {
    assert.throws(
      () => parseProxyUrl(url),
      (error) =>
        error instanceof Error && message.test(error.message) && !/s3cret/.test(error.message),
      url,
    );
  }
});

test('an entry holds for a name and all names below it, for an address, or for a network', () => {
  const bypasses = createProxyBypass([
    'Example.com',
    '.intern',
    '*.corp.example.net',
    '10.0.0.0/8',
    '192.0.2.7',
    '2001:db8::/32',
  ]);
  for (const host of [
    'example.com',
    'www.example.com',
    'example.com.',
    'intern',
    'app.intern',
    'a.b.corp.example.net',
    '10.255.0.1',
    '192.0.2.7',
    '[2001:db8::5]',
  ]) {
    assert.ok(bypasses(host), host);
  }
  for (const host of [
    'badexample.com',
    'example.com.evil.net',
    'example.net',
    '11.0.0.1',
    '192.0.2.8',
    '[2001:db9::5]',
    '10.0.0.1.example.org',
  ]) {
    assert.ok(!bypasses(host), host);
  }
  assert.ok(!createProxyBypass([])('example.com'));
});

test('an entry that is neither is named', () => {
  for (const entry of [
    'http://a',
    'a:80',
    'a b',
    '10.0.0.0/33',
    '10.0.0.0/x',
    '::1/129',
    '*',
    'a/8',
  ]) {
    assert.throws(() => createProxyBypass(['ok', entry]), {
      message: new RegExp(`^"${entry.replace('*', '\\*')}" is`),
    });
  }
});
