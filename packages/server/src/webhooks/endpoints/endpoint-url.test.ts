import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createAddressGuard } from '../../lib/network/address-guard.ts';
import { type EndpointUrlPolicy, explainEndpointUrl } from './endpoint-url.ts';

const strict: EndpointUrlPolicy = { guard: createAddressGuard([]), allowHttp: false };
const local: EndpointUrlPolicy = { guard: createAddressGuard(['loopback']), allowHttp: false };
const open: EndpointUrlPolicy = { guard: createAddressGuard([]), allowHttp: true };

test('public https URLs are fine', () => {
  for (const url of [
    'https://app.example.com/webhooks/email',
    'https://app.example.com:8443/?tenant=7&x=%20',
    'HTTPS://APP.EXAMPLE.COM',
    'https://bücher.example/',
    'https://93.184.215.14/hook',
    'https://[2606:4700:4700::1111]/hook',
    'https://127.example.com/',
  ]) {
    assert.equal(explainEndpointUrl(url, strict), null, url);
  }
});

test('what is no URL, or none to post to, is explained', () => {
  const cases: [string, RegExp][] = [
    ['', /not a URL/],
    ['app.example.com/hook', /not a URL/],
    ['https://', /not a URL/],
    ['ftp://app.example.com/', /ftp:.*Use https/],
    ['file:///etc/passwd', /file:/],
    ['javascript:alert(1)', /javascript:/],
    ['https://user@app.example.com/', /user name or password/],
    ['https://:secret@app.example.com/', /user name or password/],
    ['https://app.example.com/#here', /fragment/],
    ['https://[fe80::1%25eth0]/', /not a URL/],
    ['https://127.0.0.1%00.example.com/', /not a URL/],
    [`https://app.example.com/${'a'.repeat(2_048)}`, /2048 characters/],
  ];
  for (const [url, reason] of cases) {
    assert.match(explainEndpointUrl(url, strict) ?? '', reason, url);
  }
});

test('addresses that lead inside are refused in every notation, with the setting that opens them', () => {
  for (const host of [
    'localhost',
    'LocalHost.',
    'a.localhost',
    'ｌｏｃａｌｈｏｓｔ',
    'localhoſt',
    'ⓛocalhost',
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0X7F.0.0.1',
    '0177.0.0.1',
    '127。0。0。1',
    '0',
    '240.0.0.1',
    '[::]',
    '[::1]',
    '[::FFFF:127.0.0.1]',
    '[::ffff:127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '10.0.0.1',
    '169.254.169.254',
    '[fd00:ec2::254]',
    '[FE80::1]',
  ]) {
    const reason = explainEndpointUrl(`https://${host}/`, open) ?? '';
    assert.match(reason, /endpoint_networks/, host);
  }
});

test('plain http is for this machine alone, unless the operator allows it', () => {
  const plain = 'http://app.example.com/hook';
  assert.match(explainEndpointUrl(plain, strict) ?? '', /endpoint_allow_http/);
  assert.equal(explainEndpointUrl(plain, open), null);
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '[::1]', 'app.localhost']) {
    assert.equal(explainEndpointUrl(`http://${host}:3000/`, local), null, host);
  }
});

test('a public name that begins like a loopback address is no loopback address', () => {
  for (const url of ['http://127.example.com/', 'http://127.0.0.1.example.com/']) {
    assert.match(explainEndpointUrl(url, local) ?? '', /Use https/, url);
  }
});

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.string({ unit: 'binary' })), (text) => {
      const reason = explainEndpointUrl(text, strict);
      assert.ok(reason === null || reason.length > 0);
    }),
  );
});
