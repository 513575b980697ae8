import assert from 'node:assert/strict';
import test from 'node:test';
import { type CanonicalEvent, RECIPIENT_STATES } from '@posthorn/sdk';
import fc from 'fast-check';
import { sealEvent, sealEventBody } from './event-body.ts';

const state = fc.option(fc.constantFrom(...RECIPIENT_STATES));
const position = fc.record({
  sequence: fc.integer({ min: 1 }),
  state,
  previousState: state,
});
// `data` is never empty: an event with a position has a recipient at least.
const data = fc
  .dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }))
  .map((fields) => ({ recipient: 'a@b.test', ...fields }));
const text = fc.string({ unit: 'binary' });

test('any event with any position is the same event with the three fields', () => {
  fc.assert(
    fc.property(text, text, data, position, (id, timestamp, fields, place) => {
      fc.pre(['sequence', 'state', 'previous_state'].every((key) => !(key in fields)));
      const json = JSON.stringify({ id, type: 'email.sent', timestamp, data: fields });
      const event = JSON.parse(json);
      const sealed = JSON.parse(sealEventBody(json, place));
      const { sequence, state: now, previousState } = place;
      const states = now === null ? {} : { state: now, previous_state: previousState };
      assert.deepEqual(sealed, { ...event, data: { ...event.data, sequence, ...states } });
      assert.deepEqual(sealEvent(event as CanonicalEvent, place), sealed);
    }),
  );
});

test('an event without a position stays byte for byte', () => {
  fc.assert(
    fc.property(data, (fields) => {
      const json = JSON.stringify({ id: 'evt_1', data: fields });
      assert.equal(sealEventBody(json, null), json);
    }),
  );
});

test('braces and quotes at the end of the data do not mislead it', () => {
  const json = JSON.stringify({ id: 'e', data: { metadata: { a: { b: '"}}' } } } });
  const sealed = sealEventBody(json, { sequence: 7, state: 'sent', previousState: null });
  assert.equal(
    sealed,
    '{"id":"e","data":{"metadata":{"a":{"b":"\\"}}"}},"sequence":7,"state":"sent","previous_state":null}}',
  );
});
