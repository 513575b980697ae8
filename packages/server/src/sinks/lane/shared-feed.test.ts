import assert from 'node:assert/strict';
import { test } from 'node:test';
import { itemAt } from '../fixtures/scripted-http.ts';
import { shareFeed } from './shared-feed.ts';

const QUERY = {
  projectId: 'prj_1',
  follower: 'live snk_1',
  afterPosition: 0,
  limit: 3,
  types: null,
} as const;
const NOBODY = { messageKey: null, recipient: null } as const;

/** A log of four events, that says what it was asked for. */
function start() {
  const asked: number[] = [];
  const shared = shareFeed({
    async after({ afterPosition, limit }) {
      asked.push(afterPosition);
      await Promise.resolve();
      if (afterPosition < 0) throw new Error('away');
      const events = [1, 2, 3, 4].map((position) => itemAt(position)).slice(afterPosition);
      const some = events.slice(0, limit);
      return { events: some, position: some.at(-1)?.position ?? 4, atEnd: some.length < limit };
    },
  });
  const after = (query: object = {}) => shared.after({ ...QUERY, ...NOBODY, ...query });
  return { asked, after };
}

const shapeOf = ({ events, ...rest }: { events: { position: number }[] }) => ({
  ...rest,
  positions: events.map(({ position }) => position),
});

test('who asks for the same at the same time shares the answer, cut to what each wants', async () => {
  const { asked, after } = start();
  const pages = await Promise.all([after(), after({ limit: 2 }), after({ limit: 100 })]);
  assert.deepEqual(asked, [0]);
  assert.deepEqual(pages.map(shapeOf), [
    { positions: [1, 2, 3], position: 3, atEnd: false },
    { positions: [1, 2], position: 2, atEnd: false },
    { positions: [1, 2, 3], position: 3, atEnd: false },
  ]);
  assert.equal(pages[0]?.events[0]?.event, pages[1]?.events[0]?.event);
});

test('what is another question, or comes later, is asked for anew; also after trouble', async () => {
  const { asked, after } = start();
  await Promise.all([after(), after({ afterPosition: 2 }), after({ projectId: 'prj_2' })]);
  await after();
  assert.deepEqual(asked, [0, 2, 0, 0]);
  const both = await Promise.allSettled([
    after({ afterPosition: -1 }),
    after({ afterPosition: -1 }),
  ]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  await assert.rejects(after({ afterPosition: -1 }));
  assert.deepEqual(asked.slice(4), [-1, -1]);
});
