import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOUNCE_CATEGORIES } from '@posthorn/sdk';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { PosthornError } from '../../lib/errors.ts';
import { compileContentFilter } from './content-filter.ts';
import { CONDITION_NAMES, createContentFilterSchema } from './content-filter-fields.ts';
import { parseContentFilter } from './parse-content-filter.ts';

/** The faults of a filter as `pointer: detail`; none when it is taken. */
function faultsOf(value: unknown): string[] {
  try {
    parseContentFilter(value);
    return [];
  } catch (error) {
    assert.ok(error instanceof PosthornError && error.code === 'invalid_field', String(error));
    assert.ok(error.fields.length > 0);
    return error.fields.map(({ pointer, detail }) => `${pointer}: ${detail}`);
  }
}

function assertFault(value: unknown, expected: RegExp): void {
  const faults = faultsOf(value);
  assert.equal(faults.length, 1, JSON.stringify(faults));
  assert.match(faults[0] ?? '', expected);
}

const EVERYTHING = {
  recipient_domain: ['example.com', '*.bücher.example'],
  recipient: ['user@example.com'],
  from_domain: ['shop.example.com'],
  tag: ['order-confirmation'],
  stream: ['transactional'],
  metadata: { plan: ['pro', 5, true], 'a/b': [''] },
  bounce_type: ['hard', 'undetermined'],
  bounce_category: [...BOUNCE_CATEGORIES],
  bounce_scope: ['recipient'],
  enhanced_code: ['5.1.1', '5.1.*', '4.*'],
  engagement: 'human',
  test: false,
  provider: ['posthorn'],
  source: ['newsletter'],
};

test('a right filter comes back as it was given', () => {
  const filter = { ...EVERYTHING, not: EVERYTHING };
  assert.deepEqual(parseContentFilter(filter), filter);
  assert.deepEqual(parseContentFilter({}), {});
  assert.deepEqual(Object.keys(EVERYTHING).sort(), [...CONDITION_NAMES].sort());
});

test('a field that does not exist is answered with the one that was meant', () => {
  assertFault(
    { recipient_domains: ['a.test'] },
    /^\/filter\/recipient_domains: .*"recipient_domain"\?$/,
  );
  assertFault({ not: { tags: ['a'] } }, /^\/filter\/not\/tags: .*Did you mean "tag"\?$/);
  assertFault(
    { zzzzzzzzzzzz: 1 },
    /^\/filter\/zzzzzzzzzzzz: .*There are: recipient_domain, .*, not\.$/,
  );
  assertFault({ not: { tag: ['a'], not: { tag: ['b'] } } }, /^\/filter\/not\/not: .*cannot stand/);
});

test('a value that does not exist is answered with the one that was meant', () => {
  assertFault({ bounce_type: ['soft', 'Hard'] }, /^\/filter\/bounce_type\/1: .*mean "hard"\?$/);
  assertFault(
    { bounce_category: ['mailbox-full'] },
    /bounce_category\/0: .*mean "mailbox_full"\?$/,
  );
  assertFault({ bounce_scope: ['recipients'] }, /bounce_scope\/0: .*mean "recipient"\?$/);
  assertFault({ bounce_scope: [7] }, /bounce_scope\/0: Give one of: recipient, domain, /);
  assertFault({ engagement: 'humans' }, /^\/filter\/engagement: .*mean "human"\?$/);
  assertFault({ test: 'false' }, /^\/filter\/test: Give true or false\.$/);
  assertFault({ engagement: ['human'] }, /^\/filter\/engagement: Give one of: human, machine\.$/);
});

test('the fault is named by its place', () => {
  assertFault(
    { metadata: { plan: ['a', 'b', null] } },
    /^\/filter\/metadata\/plan\/2: Give a text/,
  );
  assertFault({ metadata: { 'a/b~c': [{}] } }, /^\/filter\/metadata\/a~1b~0c\/0: /);
  assertFault(
    { not: { recipient: ['x@y.test', 'nobody'] } },
    /^\/filter\/not\/recipient\/1: An address/,
  );
  assertFault({ tag: [''] }, /^\/filter\/tag\/0: Empty/);
  assertFault({ tag: [5] }, /^\/filter\/tag\/0: Give a text, such as "order-confirmation"\.$/);
  assertFault({ tag: ['x'.repeat(501)] }, /^\/filter\/tag\/0: A value may have 500 characters/);
  assertFault({ metadata: { a: ['x'.repeat(501)] } }, /^\/filter\/metadata\/a\/0: A value may/);
});

test('several faults are named at once', () => {
  const faults = faultsOf({ tag: 'a', bounce_type: ['hart'], nott: {} });
  assert.deepEqual(faults.map((fault) => fault.split(':')[0]).sort(), [
    '/filter/bounce_type/0',
    '/filter/nott',
    '/filter/tag',
  ]);
  assert.throws(
    () => parseContentFilter({ tag: 'a', stream: 'b' }, '/f'),
    /^PosthornError: \/f\/.*and 1 more/,
  );
});

test('lists are lists, with something in them, and not too much', () => {
  assertFault({ tag: 'a' }, /^\/filter\/tag: Give a list, such as \["order-confirmation"\]\.$/);
  assertFault({ tag: [] }, /^\/filter\/tag: The list is empty/);
  assertFault({ metadata: {} }, /^\/filter\/metadata: Name at least one key/);
  assertFault({ metadata: { a: 'b' } }, /^\/filter\/metadata\/a: Give a list/);
  assertFault({ metadata: ['plan'] }, /^\/filter\/metadata: Give an object/);
  assertFault({ metadata: { '': ['a'] } }, /^\/filter\/metadata\/: A metadata key has 1 to 64/);
  assertFault({ not: {} }, /^\/filter\/not: Name at least one condition/);
  const many = Array.from({ length: 101 }, (_, i) => `tag-${i}`);
  assertFault({ tag: many }, /^\/filter\/tag: At most 100 values; these are 101\.$/);
  assert.deepEqual(faultsOf({ tag: many.slice(1) }), []);
  const keys = (count: number) => Object.fromEntries(many.slice(0, count).map((key) => [key, [1]]));
  assertFault({ metadata: keys(21) }, /^\/filter\/metadata: At most 20 keys/);
  assert.deepEqual(faultsOf({ metadata: keys(20) }), []);
  for (const value of [null, undefined, 'hard', 5, [], ['tag']]) {
    assertFault(value, /^\/filter: Give an object with conditions/);
    assertFault({ not: value }, /^\/filter\/not: Give an object with conditions/);
  }
});

test('what is the same twice is refused, also in another spelling', () => {
  assertFault({ tag: ['a', 'b', 'a'] }, /^\/filter\/tag\/2: The same stands at position 0/);
  assertFault(
    { recipient_domain: ['bücher.example', 'XN--bcher-kva.example'] },
    /domain\/1: The same/,
  );
  assertFault({ recipient: ['a@B.test', 'a@b.test'] }, /^\/filter\/recipient\/1: The same/);
  assertFault({ metadata: { a: [1, '1'] } }, /^\/filter\/metadata\/a\/1: The same/);
});

test('domains, addresses and codes have to look like such', () => {
  for (const [value, detail] of [
    ['user@example.com', /without an @/],
    ['*', /without this field/],
    ['*.*.com', /star can only/],
    ['mail.*.com', /star can only/],
    ['*example.com', /star can only/],
    ['exa mple.com', /looks like/],
    ['example..com', /looks like/],
    ['https://example.com/', /looks like/],
    ['*.', /looks like|star/],
    ['a'.repeat(64), /looks like/],
  ] as const) {
    assertFault({ recipient_domain: [value] }, detail);
  }
  for (const value of ['example.com', '@example.com', 'User <u@example.com>', 'a@b c.test']) {
    assertFault({ recipient: [value] }, /An address looks like|not a domain/);
  }
  assertFault({ recipient: ['*@example.com'] }, /use recipient_domain/);
  for (const value of ['5', '5.1', '1.1.1', '5.1.1.1', '5.1.1*', '*', '5.1.', '550']) {
    assertFault({ enhanced_code: [value] }, /looks like 5\.1\.1/);
  }
});

test('whatever comes in, the answer is a filter or a list of faults', () => {
  const names = fc.constantFrom(...CONDITION_NAMES, 'not', 'x', '__proto__', 'constructor');
  const inner = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(names, fc.jsonValue(), { noNullPrototype: true }),
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), fc.dictionary(names, inner, { noNullPrototype: true })),
      (value) => {
        if (faultsOf(value).length > 0) return;
        assert.deepEqual(parseContentFilter(value), value);
        compileContentFilter(parseContentFilter(value));
      },
    ),
  );
});

test('the JSON Schema takes what is taken, and refuses other shapes', () => {
  const validate = new Ajv2020({ allowUnionTypes: true }).compile(createContentFilterSchema());
  assert.ok(validate({ ...EVERYTHING, not: EVERYTHING }), JSON.stringify(validate.errors));
  assert.ok(validate({}));
  const wrong = [null, { tags: ['a'] }, { tag: 'a' }, { tag: [] }, { bounce_type: ['x'] }];
  for (const value of [...wrong, { not: { not: {} } }, { metadata: { a: [null] } }, { not: {} }]) {
    assert.ok(!validate(value), JSON.stringify(value));
    assert.ok(faultsOf(value).length > 0);
  }
});
