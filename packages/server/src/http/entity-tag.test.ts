import assert from 'node:assert/strict';
import test from 'node:test';
import { PosthornError } from '../lib/errors.ts';
import { checkVersion, readIfMatch, toEntityTag } from './entity-tag.ts';

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof PosthornError);
    return error.code;
  }
  return 'passed';
};
const check = (header: string | undefined, version: number): string =>
  codeOf(() => checkVersion(readIfMatch(header), version));

test('without If-Match, and with a star, any version will do', () => {
  for (const header of [undefined, '*', ' * ']) assert.equal(check(header, 7), 'passed');
});

test('the tag of the version passes, alone or in a list', () => {
  assert.equal(check(toEntityTag(3), 3), 'passed');
  assert.equal(check('"2", "3"', 3), 'passed');
});

test('another version, and a weak tag, do not', () => {
  assert.equal(check('"2"', 3), 'precondition_failed');
  assert.equal(check('"33"', 3), 'precondition_failed');
  // RFC 9110 13.1.1: the comparison is strong.
  assert.equal(check('W/"3"', 3), 'precondition_failed');
});

test('what is no tag is refused', () => {
  for (const header of ['3', '', '"3', '"2" "3"', '"3",', 'w/"3"']) {
    assert.equal(check(header, 3), 'bad_request', header);
  }
});
