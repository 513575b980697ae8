import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { namesMailServer, parseStsId, parseStsPolicy } from './mta-sts.ts';

const POLICY =
  'version: STSv1\nmode: enforce\nmx: mx1.example.com\nmx: *.example.net\nmax_age: 86400\n';

test('a policy is read, with either line end', () => {
  const policy = {
    mode: 'enforce',
    mx: ['mx1.example.com', '*.example.net'],
    maxAgeMs: 86_400_000,
  };
  assert.deepEqual(parseStsPolicy(POLICY), { policy });
  assert.deepEqual(parseStsPolicy(POLICY.replaceAll('\n', '\r\n')), { policy });
  const long = parseStsPolicy(POLICY.replace('86400', '9999999999'));
  assert.equal('policy' in long && long.policy.maxAgeMs, 31_557_600_000);
});

test('what is wrong with a policy is said', () => {
  const faultOf = (text: string) => JSON.stringify(parseStsPolicy(text));
  assert.match(faultOf(''), /version/);
  assert.match(faultOf(POLICY.replace('enforce', 'strict')), /mode/);
  assert.match(faultOf(POLICY.replace('86400', 'long')), /max_age/);
  assert.match(faultOf(POLICY.replaceAll('mx:', 'ns:')), /mx/);
  assert.match(faultOf('<html>Not found</html>'), /version/);
});

test('nothing that a server answers makes the parser throw', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parseStsPolicy(text);
      assert.ok('policy' in parsed || parsed.fault !== '');
    }),
  );
});

test('one record has an id; none and several have not', () => {
  assert.equal(parseStsId(['v=spf1 -all', 'v=STSv1; id=20261121T00;']), '20261121T00');
  assert.equal(parseStsId(['v=STSv1;id=a', 'v=STSv1;id=b']), null);
  assert.equal(parseStsId(['v=STSv1; id=with-dash']), null);
  assert.equal(parseStsId([]), null);
});

test('a star stands for one label', () => {
  const policy = { mx: ['mx1.example.com', '*.example.net'] };
  const named = (host: string) => namesMailServer(policy, host);
  assert.deepEqual(
    ['MX1.example.com', 'a.example.net', 'a.b.example.net', 'example.net', 'mx2.example.com'].map(
      named,
    ),
    [true, true, false, false, false],
  );
});
