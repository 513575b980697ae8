import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRawNumber, MAX_JSON_DEPTH, numberText, parseLosslessJson } from './lossless-json.ts';

test('numbers that a double cannot hold come out digit by digit', () => {
  for (const literal of [
    '104427216766056450',
    '-9007199254740993',
    '1616687890.1234567890123',
    '1e400',
    '0.1000000000000000055511151231257827',
    '1E-999',
  ]) {
    const text = `{"a":[${literal}],"b":"${literal}"}`;
    assert.equal(JSON.stringify(parseLosslessJson(text)), text);
    const value = (parseLosslessJson(text) as { a: unknown[] }).a[0];
    assert.ok(isRawNumber(value), literal);
    assert.equal(numberText(value), literal);
  }
});

test('all other numbers are ordinary ones', () => {
  const text = '[0,-1,1.5,1707402341.91242,1521472262.000002,9007199254740991,1e3,0.0,true,12e0]';
  const values = parseLosslessJson(text);
  assert.deepEqual(values, JSON.parse(text));
});

test('whatever JSON.parse takes is taken, with the same result where nothing is lost', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const parsed = parseLosslessJson(text);
      assert.deepEqual(JSON.parse(JSON.stringify(parsed)), JSON.parse(text));
    }),
  );
});

test('a string full of quotes, backslashes, digits and brackets hides nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('\\', '"', '{', '[', '9', 'e') }), (inner) => {
      const text = JSON.stringify({ [inner]: inner, n: 1 });
      assert.deepEqual(parseLosslessJson(text), JSON.parse(text));
    }),
  );
});

test('text that is no JSON, or is too deep, is a SyntaxError and never a stack that runs over', () => {
  const nest = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  assert.doesNotThrow(() => parseLosslessJson(nest(MAX_JSON_DEPTH)));
  for (const text of [
    '',
    '{',
    '"',
    '"\\"',
    '{"a":1e}',
    nest(MAX_JSON_DEPTH + 1),
    '['.repeat(1e6),
  ]) {
    assert.throws(() => parseLosslessJson(text), SyntaxError);
  }
});

test('a key named __proto__ is a key like any other', () => {
  const parsed = parseLosslessJson('{"__proto__":{"polluted":1e400}}');
  assert.equal(Object.getPrototypeOf(parsed), Object.prototype);
  assert.equal(JSON.stringify(parsed), '{"__proto__":{"polluted":1e400}}');
});

test('numbers in strings count as numbers, other strings do not', () => {
  assert.equal(numberText(' 12.50 '), '12.50');
  for (const text of ['', 'x', '1x', '1.', '0x10', 'NaN', null, {}, [], true, Number.NaN]) {
    assert.equal(numberText(text), null);
  }
});
