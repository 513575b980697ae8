import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findJsonFault } from './find-json-fault.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const agrees = (text: string): void => {
  assert.equal(findJsonFault(text) === null, isJson(text), JSON.stringify(text));
};

test('finds no fault in what JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 2, '\t', ' \r\n'), (value, indent) => {
      assert.equal(findJsonFault(JSON.stringify(value, null, indent)), null);
    }),
  );
});

test('agrees with JSON.parse about texts with a piece taken out, put in or exchanged', () => {
  const piece = fc.constantFrom(
    '',
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ' ',
    '\n',
    '0',
    '-',
    '1e',
    '.',
    'true',
    'nul',
    '\\u12',
    '\u0000',
    '\ud800',
    "'",
  );
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.nat(3), piece, (text, place, length, put) => {
      const at = place % (text.length + 1);
      agrees(text.slice(0, at) + put + text.slice(at + length));
    }),
    { numRuns: 2_000 },
  );
});

test('agrees with JSON.parse about any pieces of JSON in a row', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '0',
    '-1.5e+3',
    '01',
    '1.',
    'null',
    'true',
    ' ',
    '\n',
    '\u00a0',
    '\\',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => agrees(pieces.join(''))),
    { numRuns: 5_000 },
  );
});

test('what stands before the fault could still become JSON', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (text, place) => {
      const cut = text.slice(0, place % (text.length + 1));
      const fault = findJsonFault(cut);
      // Nothing in a beginning of JSON is wrong but that it ends, or that a word or an escape is cut.
      if (fault !== null) assert.ok(fault.offset >= cut.length - 6, JSON.stringify(cut));
    }),
  );
});

test('takes long strings and deep nesting without running out of stack', () => {
  assert.equal(findJsonFault(`"${'x'.repeat(5_000_000)}"`), null);
  assert.equal(findJsonFault(`"${'\\n'.repeat(500_000)}"`), null);
  assert.equal(findJsonFault('['.repeat(500_000))?.offset, 500_000);
});
