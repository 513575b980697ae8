import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findProvider, type ProviderRequest } from '@posthorn/sdk';
import { makeWebhooks } from './fixtures/provider-webhooks.ts';
import { digestOf, toKeptRequest, toProviderRequest } from './kept-request.ts';

const NOW_MS = Date.UTC(2026, 10, 21);

test('what proves the sender is not kept: headers, parameters, signatures', () => {
  const kept = toKeptRequest(
    {
      method: 'POST',
      url: 'https://user:pw@a.example/in/phs_1?a=1&token=s3cret&code=plain&b=',
      headers: {
        authorization: 'Bearer s3cret',
        'x-signature': 'v1=abc',
        'content-type': 'application/json',
        'ce-id': ['1', '2'],
        'ce-token': 's3cret',
        'webhook-signature': 'v1,x',
        'webhook-id': 'w1',
        cookie: undefined,
      },
      body: Buffer.from('{}'),
    },
    ['query:token:s3cret', 'plain'],
  );
  assert.deepEqual(kept, {
    method: 'POST',
    query: '?a=1&b=',
    headers: { 'content-type': 'application/json', 'ce-id': '1, 2', 'webhook-id': 'w1' },
  });
});

test('for each provider, what is kept says the same as what came', () => {
  for (const webhook of makeWebhooks(NOW_MS, 'https://a.example/in/x')) {
    // Its decoder is made of a mapping.
    if (webhook.provider === 'generic') continue;
    const provider = findProvider(webhook.provider);
    assert.ok(provider);
    const headers = Object.fromEntries(
      Object.entries(webhook.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const request = {
      method: webhook.method ?? 'POST',
      url: `https://a.example/in/x${webhook.query ?? ''}`,
      headers,
      body: webhook.body,
    };
    const proofs = (webhook.fields['secrets'] as string[] | undefined) ?? [];
    const kept = toProviderRequest(toKeptRequest(request, proofs), request.body);
    const withoutRaw = (one: ProviderRequest) =>
      provider
        .decode(one)
        .map(({ data: { raw: _raw, ...data }, ...event }) => ({ ...event, data }));
    assert.deepEqual(withoutRaw(kept), withoutRaw(request), webhook.provider);
  }
});

test('the digest tells bodies, methods, parameters and headers apart, not the order of headers', () => {
  const kept = { method: 'POST', query: '', headers: { 'ce-id': '1', 'ce-type': 'a' } };
  const body = Buffer.from('x');
  const digest = digestOf(kept, body);
  const turned = { ...kept, headers: { 'ce-type': 'a', 'ce-id': '1' } };
  assert.equal(digestOf(turned, body), digest);
  const others = [
    digestOf(kept, Buffer.from('y')),
    digestOf({ ...kept, method: 'GET' }, body),
    digestOf({ ...kept, query: '?a' }, body),
    digestOf({ ...kept, headers: { 'ce-id': '2', 'ce-type': 'a' } }, body),
  ];
  assert.equal(new Set([digest, ...others]).size, 5);
});
