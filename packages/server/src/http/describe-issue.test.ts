import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { describeIssue } from './describe-issue.ts';

const said = (schema: z.ZodType, value: unknown): string[] => {
  const { error } = schema.safeParse(value, { error: describeIssue });
  return (error?.issues ?? []).map(({ message }) => message);
};

test('a wrong value is told what to be instead, in plain words', () => {
  const cases: [z.ZodType, unknown, string][] = [
    [z.string(), undefined, 'This field is needed.'],
    [z.string(), 7, 'Give a text, not 7.'],
    [z.int(), 1.5, 'Give a whole number, not 1.5.'],
    [z.coerce.number(), 'x', 'Give a number, not a text.'],
    [z.boolean(), 'yes', 'Give true or false, not a text.'],
    [z.array(z.string()), { a: 1 }, 'Give a list, not an object.'],
    [z.record(z.string(), z.string()), ['a'], 'Give an object, not a list.'],
    [z.string(), null, 'Give a text, not null.'],
    [z.string().min(1), '', 'It must not be empty.'],
    [z.string().min(3), 'x', 'Give at least 3 characters.'],
    [z.array(z.string()).max(1), ['a', 'b'], 'Give at most 1 entry.'],
    [z.number().max(9), 10, 'Give at most 9.'],
    [z.number().gt(0), 0, 'Give more than 0.'],
    [z.enum(['open', 'closed']), 'opn', 'Give one of: open, closed. Did you mean "open"?'],
    [z.literal('one'), 'two', 'Give "one".'],
    [z.iso.datetime(), 'soon', 'Give a time, such as 2026-11-21T16:00:00Z.'],
    [z.url(), 'x', 'Give a URL, such as https://app.example.com/path.'],
  ];
  for (const [schema, value, expected] of cases) assert.deepEqual(said(schema, value), [expected]);
});

test('a schema that has words of its own keeps them', () => {
  assert.deepEqual(said(z.string({ error: 'Write a name.' }), 7), ['Write a name.']);
  assert.deepEqual(said(z.string().regex(/^a/, 'It begins with a.'), 'b'), ['It begins with a.']);
});
