import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeForAws, sha256, signAwsRequest } from './sign-aws-request.ts';

/** Those of the "Signature Version 4 test suite" of AWS, and of its S3 API reference. */
const EXAMPLE = {
  keyId: 'AKIDEXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 'service',
};
const S3_EXAMPLE = {
  keyId: 'AKIAIOSFODNN7EXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 's3',
};
const SUITE_TIME = Date.parse('2015-08-30T12:36:00Z');
const S3_TIME = Date.parse('2013-05-24T00:00:00Z');

const signatureOf = (headers: Record<string, string>) => headers['authorization']?.slice(-64);

test('signs the requests of the test suite as AWS does', () => {
  const sign = (method: string, path: string, headers = {}, body = '') =>
    signatureOf(
      signAwsRequest(
        { method, url: `https://example.amazonaws.com${path}`, headers, body, nowMs: SUITE_TIME },
        EXAMPLE,
      ),
    );
  // post-vanilla
  assert.equal(
    sign('POST', '/'),
    '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  );
  // get-vanilla-query-order-key-case
  assert.equal(
    sign('GET', '/?Param2=value2&Param1=value1'),
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  );
  // post-x-www-form-urlencoded
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal(
    sign('POST', '/', form, 'Param1=value1'),
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  );
});

test('signs the requests of the S3 API reference as AWS does', () => {
  const sign = (method: string, path: string, headers: Record<string, string>, body = '') =>
    signatureOf(
      signAwsRequest(
        {
          method,
          url: `https://examplebucket.s3.amazonaws.com${path}`,
          headers: { ...headers, 'x-amz-content-sha256': sha256(body) },
          body,
          nowMs: S3_TIME,
        },
        S3_EXAMPLE,
      ),
    );
  assert.equal(
    sign('GET', '/test.txt', { range: 'bytes=0-9' }),
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  );
  const headers = {
    date: 'Fri, 24 May 2013 00:00:00 GMT',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
  };
  assert.equal(
    sign('PUT', '/test$file.text', headers, 'Welcome to Amazon S3.'),
    '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  );
});

test('a name is encoded as AWS reads it', () => {
  assert.equal(encodeForAws("a b/(c)*!'~é"), 'a%20b%2F%28c%29%2A%21%27~%C3%A9');
});
