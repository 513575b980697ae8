import assert from 'node:assert/strict';
import test from 'node:test';
import { EVENT_TYPES } from '@posthorn/sdk';
import fc from 'fast-check';
import { compileEventFilter, explainEventPattern } from './event-filter.ts';

test('a star lets everything through', () => {
  assert.deepEqual([...compileEventFilter(['*'])], [...EVENT_TYPES]);
});

test('a family lets its own types through and no other', () => {
  assert.deepEqual(
    [...compileEventFilter(['endpoint.*'])],
    ['endpoint.failing', 'endpoint.recovered', 'endpoint.disabled', 'endpoint.backlog'],
  );
  assert.equal(compileEventFilter(['email.*']).has('endpoint.failing'), false);
});

test('an exact type lets itself through alone, and a wrong pattern nothing', () => {
  assert.deepEqual([...compileEventFilter(['email.bounced'])], ['email.bounced']);
  for (const pattern of ['', '.*', 'email', 'email.', 'email.b*', '*.bounced', 'EMAIL.*', '**']) {
    assert.equal(compileEventFilter([pattern]).size, 0, pattern);
    assert.ok(explainEventPattern(pattern), pattern);
  }
});

test('several patterns let through what any of them does', () => {
  const family = EVENT_TYPES.map((type) => `${type.split('.')[0]}.*`);
  const pattern = fc.constantFrom('*', ...EVENT_TYPES, ...family, 'nonsense');
  fc.assert(
    fc.property(fc.array(pattern), (patterns) => {
      const together = compileEventFilter(patterns);
      for (const type of EVENT_TYPES) {
        const alone = patterns.some((one) => compileEventFilter([one]).has(type));
        assert.equal(together.has(type), alone);
      }
    }),
  );
});

test('a mistyped type is answered with the one that was meant', () => {
  assert.equal(explainEventPattern('email.bounced'), null);
  assert.equal(explainEventPattern('email.*'), null);
  assert.match(explainEventPattern('email.bounce') ?? '', /Did you mean "email\.bounced"\?/);
  assert.match(explainEventPattern('Email.Clicked') ?? '', /Did you mean "email\.clicked"\?/);
  assert.match(explainEventPattern('emails.*') ?? '', /Did you mean "email\.\*"\?/);
  assert.equal(
    explainEventPattern('x'.repeat(60)),
    `There is no event type "${'x'.repeat(60)}". GET /v1/event-types lists them.`,
  );
});
