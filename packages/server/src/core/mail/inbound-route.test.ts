import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  compareRoutes,
  matchesPattern,
  parseInboundPattern,
  plusTagOf,
  toInboundAddress,
} from './inbound-route.ts';

const matches = (pattern: string, address: string): boolean =>
  matchesPattern(parseInboundPattern(pattern).text, toInboundAddress(address));

test('an address matches itself in any case, and no other', () => {
  assert.ok(matches('Support@In.Example.com', 'SUPPORT@in.example.COM'));
  assert.ok(matches('support@bücher.example', 'support@xn--bcher-kva.example'));
  for (const other of [
    'support@example.com',
    'xsupport@in.example.com',
    'support+a@in.example.com',
  ])
    assert.equal(matches('support@in.example.com', other), false, other);
});

test('a star is any text, none included, and crosses no "@"', () => {
  assert.ok(matches('reply+*@a.test', 'reply+17@a.test'));
  assert.ok(matches('*@a.test', 'x@a.test'));
  assert.ok(matches('a*b*c@a.test', 'aXbYbZc@a.test'));
  assert.ok(matches('a*b@a.test', 'ab@a.test'));
  assert.equal(matches('ab*ba@a.test', 'aba@a.test'), false);
  assert.equal(matches('reply+*@a.test', 'reply@a.test'), false);
  assert.equal(matches('*@a.test', 'x@b.a.test'), false);
  assert.ok(matches('*@*.a.test', 'x@c.b.a.test'));
  assert.equal(matches('*@*.a.test', 'x@a.test'), false);
  assert.equal(matches('*@*.a.test', 'x@ba.test'), false);
});

test('says what is wrong with a pattern', () => {
  for (const [given, message] of [
    ['example.com', /as an address/],
    ['@example.com', /as an address/],
    ['a b@example.com', /no local part/],
    ['a@localhost', /no domain/],
    ['a@ex*mple.com', /no domain/],
    ['a@-x.com', /no domain/],
    ['a*b*c*d*@example.com', /more than 3/],
    [`${'x'.repeat(65)}@example.com`, /no local part/],
  ] as const)
    assert.throws(() => parseInboundPattern(given), message, given);
  assert.deepEqual(parseInboundPattern(' *@*.Example.com '), {
    text: '*@*.example.com',
    domain: 'example.com',
  });
});

test('matches as a regular expression of the pattern would', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '+'), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(pattern, text, (one, local) => {
      const expected = new RegExp(`^${one.replaceAll('*', '.*')}$`).test(local);
      assert.equal(matchesPattern(`${one}@a.test`, `${local}@a.test`), expected);
    }),
  );
});

test('the first is of the lowest priority, then the narrowest, then the oldest', () => {
  const route = (id: string, pattern: string, priority = 100) => ({ id, pattern, priority });
  const sorted = [
    route('1', '*@*.a.test'),
    route('2', '*@a.test'),
    route('3', 's*@a.test'),
    route('4', 'support@a.test'),
    route('6', 'support@a.test'),
    route('5', '*@a.test', 7),
  ].sort(compareRoutes);
  assert.deepEqual(
    sorted.map(({ id }) => id),
    ['5', '4', '6', '3', '2', '1'],
  );
});

test('the tag is what stands behind the first plus', () => {
  assert.equal(plusTagOf('support+a+b@x.test'), 'a+b');
  assert.equal(plusTagOf('support+@x.test'), null);
  assert.equal(plusTagOf('support@x.test'), null);
});
