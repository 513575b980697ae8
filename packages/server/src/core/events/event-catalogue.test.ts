import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { EVENT_TYPES, standingOf } from '@posthorn/sdk';
import { EVENT_CATALOGUE, explainUnknownType, isEventType } from './event-catalogue.ts';

test('every type has a description that is a sentence', () => {
  for (const type of EVENT_TYPES) assert.match(EVENT_CATALOGUE[type].description, /^[A-Z9].+\.$/);
});

test('a type is terminal when the state that it leads to is one that ends the way', () => {
  for (const type of EVENT_TYPES) {
    const standing = standingOf(type, 0);
    // Rank 2 is engagement: it proves a delivery, and is none.
    const ends = standing !== null && (standing.rank === 1 || standing.rank === 3);
    assert.equal(EVENT_CATALOGUE[type].terminal, ends, type);
  }
});

test('what changes the state of a recipient carries a message and a recipient', () => {
  for (const type of EVENT_TYPES) {
    if (standingOf(type, 0) === null) continue;
    for (const block of ['message', 'recipient', 'state'] as const) {
      assert.ok(EVENT_CATALOGUE[type].blocks.includes(block), `${type} ${block}`);
    }
  }
});

test('a mistyped type is answered with the one that was meant', () => {
  assert.ok(isEventType('email.bounced') && !isEventType('email.*') && !isEventType('constructor'));
  assert.match(explainUnknownType('email.bouncd'), /^"email\.bouncd" is .*mean "email\.bounced"\?/);
  assert.match(explainUnknownType(5), /^5 is not an event type\. GET \/v1\/event-types/);
});

test('the documentation has a row for every type', async () => {
  const docs = await readFile(new URL('../../../../../docs/events.md', import.meta.url), 'utf8');
  for (const type of EVENT_TYPES) assert.ok(docs.includes(`\n| \`${type}\` |`), type);
});
