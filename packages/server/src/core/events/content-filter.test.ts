import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CanonicalEvent, EVENT_TYPES, type EventData } from '@posthorn/sdk';
import fc from 'fast-check';
import {
  type ContentConditions,
  type ContentFilter,
  compileContentFilter,
} from './content-filter.ts';
import { parseContentFilter } from './parse-content-filter.ts';

function eventWith(data: EventData): CanonicalEvent {
  const id = 'evt_01M7ZP27YYSGFWD5FYXB75Q5B6';
  return { id, type: 'email.bounced', timestamp: '2026-11-21T16:00:00.000Z', data };
}

function passes(filter: unknown, data: EventData): boolean {
  return compileContentFilter(parseContentFilter(filter))(eventWith(data));
}

const HARD = { type: 'hard', category: 'invalid_address', scope: 'recipient' } as const;

test('a domain is itself alone, and a star what is below it', () => {
  const to = (recipient: string) => ({ recipient });
  assert.ok(passes({ recipient_domain: ['example.com'] }, to('user@example.com')));
  assert.ok(passes({ recipient_domain: ['Example.COM.'] }, to('user@EXAMPLE.com')));
  assert.ok(!passes({ recipient_domain: ['example.com'] }, to('user@mail.example.com')));
  assert.ok(!passes({ recipient_domain: ['example.com'] }, to('user@badexample.com')));
  assert.ok(passes({ recipient_domain: ['*.example.com'] }, to('user@a.b.example.com')));
  assert.ok(!passes({ recipient_domain: ['*.example.com'] }, to('user@example.com')));
  assert.ok(!passes({ recipient_domain: ['*.example.com'] }, to('user@badexample.com')));
  assert.ok(!passes({ recipient_domain: ['*.example.com'] }, to('user@.example.com')));
  assert.ok(!passes({ recipient_domain: ['example.com'] }, {}));
  assert.ok(passes({ recipient_domain: ['example.com'] }, { recipient_domain: 'example.com' }));
});

test('an IDN is the same in both of its forms', () => {
  const forms = ['bücher.example', 'BÜCHER.example', 'xn--bcher-kva.example'];
  for (const filter of forms) {
    for (const event of forms) {
      assert.ok(passes({ recipient_domain: [filter] }, { recipient: `a@${event}` }));
      assert.ok(passes({ recipient_domain: [`*.${filter}`] }, { recipient: `a@x.${event}` }));
      assert.ok(passes({ recipient: [`a@${filter}`] }, { recipient: `a@${event}` }));
      const message = { id: null, from: `Shop <a@${event}>` };
      assert.ok(passes({ from_domain: [filter] }, { message }));
    }
  }
});

test('the local part of an address belongs to the receiving side', () => {
  assert.ok(passes({ recipient: ['User@Example.com'] }, { recipient: 'User@example.com' }));
  assert.ok(!passes({ recipient: ['user@example.com'] }, { recipient: 'User@example.com' }));
});

test('of several tags one is enough', () => {
  assert.ok(passes({ tag: ['a', 'b'] }, { tags: ['x', 'b'] }));
  assert.ok(!passes({ tag: ['a', 'b'] }, { tags: ['x'] }));
  assert.ok(!passes({ tag: ['a'] }, { tags: [] }));
  assert.ok(!passes({ tag: ['a'] }, {}));
});

test('metadata are compared as text, and all keys have to hold', () => {
  const metadata = { plan: 'pro', seats: 5, trial: false, list: ['pro'], nothing: null };
  assert.ok(passes({ metadata: { plan: ['free', 'pro'], seats: ['5'] } }, { metadata }));
  assert.ok(passes({ metadata: { trial: [false] } }, { metadata }));
  assert.ok(!passes({ metadata: { plan: ['pro'], seats: [6] } }, { metadata }));
  assert.ok(!passes({ metadata: { list: ['pro'] } }, { metadata }));
  assert.ok(!passes({ metadata: { nothing: ['null'] } }, { metadata }));
  assert.ok(!passes({ metadata: { toString: ['x'] } }, { metadata }));
  assert.ok(!passes({ metadata: { plan: ['pro'] } }, {}));
});

test('hard bounces only, and every complaint, is one endpoint', () => {
  const filter = { bounce_type: ['hard'] };
  assert.ok(passes(filter, { bounce: HARD }));
  assert.ok(!passes(filter, { bounce: { ...HARD, type: 'soft' } }));
  assert.ok(passes(filter, { complaint: { type: 'abuse' } }));
});

test('an enhanced code is compared whole or by its beginning', () => {
  const withCode = (enhanced_code: string | null) => ({ delivery: { enhanced_code } });
  assert.ok(passes({ enhanced_code: ['5.1.*'] }, withCode('5.1.10')));
  assert.ok(!passes({ enhanced_code: ['5.1.*'] }, withCode('5.10.1')));
  assert.ok(passes({ enhanced_code: ['5.*'] }, withCode('5.10.1')));
  assert.ok(!passes({ enhanced_code: ['5.*'] }, withCode('4.5.1')));
  assert.ok(!passes({ enhanced_code: ['5.1.1'] }, withCode('5.1.10')));
  assert.ok(!passes({ enhanced_code: ['5.1.1'] }, withCode(null)));
  assert.ok(passes({ enhanced_code: ['5.1.1'] }, {}));
});

test('an open that no source called a machine is a person', () => {
  for (const machine of [false, null, undefined]) {
    assert.ok(passes({ engagement: 'human' }, { engagement: { machine } }));
    assert.ok(!passes({ engagement: 'machine' }, { engagement: { machine } }));
  }
  assert.ok(!passes({ engagement: 'human' }, { engagement: { machine: true } }));
  assert.ok(passes({ engagement: 'machine' }, { engagement: { machine: true } }));
  assert.ok(passes({ engagement: 'machine' }, { bounce: HARD }));
});

test('"not" leaves out what meets any of its conditions, and nothing that lacks the value', () => {
  const filter = { not: { tag: ['internal'], bounce_type: ['soft'] } };
  assert.ok(passes(filter, {}));
  assert.ok(passes(filter, { tags: ['x'], bounce: HARD }));
  assert.ok(!passes(filter, { tags: ['x', 'internal'] }));
  assert.ok(!passes(filter, { bounce: { ...HARD, type: 'soft' } }));
  assert.ok(!passes({ tag: ['a'], not: { tag: ['b'] } }, { tags: ['a', 'b'] }));
});

test('what happened in the sandbox can be left out, or be all that is wanted', () => {
  assert.ok(passes({ test: false }, {}));
  assert.ok(!passes({ test: false }, { test: true }));
  assert.ok(passes({ test: true }, { test: true }));
  assert.ok(!passes({ test: true }, {}));
});

// From here on: any filter, any event.

const domain = fc.constantFrom('example.com', 'a.example.com', 'b.a.example.com', 'other.test');
const address = fc
  .tuple(fc.constantFrom('x', 'y', 'X'), domain)
  .map(([local, at]) => `${local}@${at}`);
const word = fc.constantFrom('a', 'b', 'c', '1', 'true');
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const maybeNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

function listOf<T extends string>(value: fc.Arbitrary<T>): fc.Arbitrary<T[] | undefined> {
  return maybe(fc.uniqueArray(value, { minLength: 1, maxLength: 3 }));
}

const conditions: fc.Arbitrary<ContentConditions> = fc.record({
  recipient_domain: listOf(fc.constantFrom('example.com', '*.example.com', '*.a.example.com')),
  recipient: listOf(address),
  from_domain: listOf(fc.constantFrom('other.test', '*.example.com')),
  tag: listOf(word),
  stream: listOf(word),
  provider: listOf(word),
  source: listOf(word),
  bounce_type: listOf(fc.constantFrom('hard', 'soft')),
  bounce_category: listOf(fc.constantFrom('mailbox_full', 'policy', 'other')),
  bounce_scope: listOf(fc.constantFrom('recipient', 'policy')),
  enhanced_code: listOf(fc.constantFrom('5.1.1', '5.1.*', '5.*', '4.2.2')),
  metadata: maybe(
    fc.dictionary(
      fc.constantFrom('k', 'l'),
      fc.uniqueArray(fc.oneof(word, fc.constantFrom(1, true)), { minLength: 1, selector: String }),
      { minKeys: 1 },
    ),
  ),
  engagement: maybe(fc.constantFrom('human', 'machine')),
  test: maybe(fc.boolean()),
});

const metadataValue = fc.oneof(word, fc.constantFrom(1, true, false, null), fc.array(word));
const data: fc.Arbitrary<EventData> = fc.record({
  recipient: maybe(maybeNull(address)),
  message: maybe(
    fc.record({ id: fc.constant(null), from: maybeNull(address), stream: maybeNull(word) }),
  ),
  tags: maybe(fc.array(word, { maxLength: 2 })),
  provider: maybe(word),
  source: maybe(maybeNull(word)),
  metadata: maybe(fc.dictionary(fc.constantFrom('k', 'l'), metadataValue)),
  bounce: maybe(
    fc.record({
      type: fc.constantFrom('hard', 'soft', 'undetermined'),
      category: fc.constantFrom('mailbox_full', 'policy', 'other'),
      scope: fc.constantFrom('recipient', 'policy'),
    }),
  ),
  delivery: maybe(
    fc.record({ enhanced_code: maybeNull(fc.constantFrom('5.1.1', '5.1.2', '5.2.2', '4.2.2')) }),
  ),
  engagement: maybe(fc.record({ machine: maybeNull(fc.boolean()) })),
  test: maybe(fc.boolean()),
});

/** With a few of the conditions: all at once hardly any event meets. */
function someOf(all: fc.Arbitrary<ContentConditions>, most: number): typeof all {
  return all.chain((drawn) => {
    const present = Object.entries(drawn).filter(([, value]) => value !== undefined);
    return fc.subarray(present, { maxLength: most }).map((some) => Object.fromEntries(some));
  });
}

const filters: fc.Arbitrary<ContentFilter> = fc
  .tuple(someOf(conditions, 2), maybe(someOf(conditions, 1)))
  .map(([wanted, not]) => ({ ...wanted, ...(not === undefined ? {} : { not }) }));

/** What a filter means, told slowly: each field of an event as a list of texts, or null without it. */
function valuesOf(field: string, key: string, event: EventData): string[] | null {
  const one = (value: unknown) => (value == null ? null : [String(value)]);
  const domainIn = (text: string | null | undefined) => one(text?.split('@')[1]);
  if (field === 'recipient_domain') return domainIn(event.recipient);
  if (field === 'from_domain') return domainIn(event.message?.from);
  if (field === 'recipient') return one(event.recipient);
  if (field === 'stream') return one(event.message?.stream);
  if (field === 'provider' || field === 'source') return one(event[field]);
  if (field === 'tag') return event.tags?.length ? event.tags : null;
  if (field === 'metadata') {
    const value = event.metadata?.[key];
    return typeof value === 'object' ? null : one(value);
  }
  if (field === 'enhanced_code') return one(event.delivery && (event.delivery.enhanced_code ?? ''));
  if (field === 'test') return [String(event.test === true)];
  if (field === 'engagement') {
    return one(event.engagement && (event.engagement.machine ? 'machine' : 'human'));
  }
  const part = field.replace('bounce_', '') as 'type' | 'category' | 'scope';
  return one(event.bounce?.[part]);
}

function matchesText(pattern: string, text: string): boolean {
  if (pattern.startsWith('*.')) return text.endsWith(pattern.slice(1));
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : pattern === text;
}

function verdicts(
  given: ContentConditions,
  event: EventData,
): { block: boolean; met: boolean | null }[] {
  const { metadata = {}, ...rest } = given;
  const rows = [
    ...Object.entries(rest).map(([field, patterns]) => ({ field, key: '', patterns })),
    ...Object.entries(metadata).map(([key, patterns]) => ({ field: 'metadata', key, patterns })),
  ];
  return rows.map(({ field, key, patterns }) => {
    const values = valuesOf(field, key, event) ?? null;
    const met = values?.some((value) =>
      [patterns].flat().some((one) => matchesText(String(one), value)),
    );
    return { block: /^(bounce_|enhanced_code|engagement)/.test(field), met: met ?? null };
  });
}

function interpret({ not, ...given }: ContentFilter, event: EventData): boolean {
  const isWanted = verdicts(given, event).every(({ block, met }) => met ?? block);
  return isWanted && !verdicts(not ?? {}, event).some(({ met }) => met === true);
}

test('a compiled filter says what a slow reading of it says', () => {
  const seen = { true: 0, false: 0 };
  fc.assert(
    fc.property(filters, data, (filter, event) => {
      const expected = interpret(filter, event);
      seen[`${expected}`] += 1;
      assert.equal(compileContentFilter(filter)(eventWith(event)), expected);
    }),
    { numRuns: 5_000 },
  );
  assert.ok(seen.true > 100 && seen.false > 100, JSON.stringify(seen));
});

test('"not" is the complement, for events that have the value', () => {
  fc.assert(
    fc.property(someOf(conditions, 1), data, (one, event) => {
      const [verdict, ...others] = verdicts(one, event);
      // Of two metadata keys, one may be met and the other not: that is no complement.
      fc.pre(verdict !== undefined && verdict.met !== null && others.length === 0);
      const yes = compileContentFilter(one)(eventWith(event));
      assert.equal(compileContentFilter({ not: one })(eventWith(event)), !yes);
    }),
    { numRuns: 2_000 },
  );
});

test('a filter that asks for nothing lets everything pass', () => {
  const open = compileContentFilter(parseContentFilter({}));
  const event = fc.record({ type: fc.constantFrom(...EVENT_TYPES), data });
  fc.assert(
    fc.property(event, ({ type, data: drawn }) => assert.ok(open({ ...eventWith(drawn), type }))),
  );
});

test('one more condition never lets more pass', () => {
  fc.assert(
    fc.property(filters, filters, data, (a, b, event) => {
      const together = { ...b, ...a };
      if (compileContentFilter(together)(eventWith(event))) {
        assert.ok(compileContentFilter(a)(eventWith(event)));
      }
    }),
  );
});
