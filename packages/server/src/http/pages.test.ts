import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encodeCursor } from '../core/cursor.ts';
import { assertProblem, type Json, startTestApi } from './fixtures/test-api.ts';

const api = await startTestApi();
after(() => api.close());

const LISTS = ['messages', 'events', 'endpoints', 'deliveries'];
/** Of each kind, as many as there are of the others: one event and delivery for each message. */
const COUNT = 7;

before(async () => {
  await api.send('POST', '/v1/endpoints', { body: { url: 'https://app.example.com/' } });
  for (let i = 0; i < COUNT; i++) {
    const body = { from: 'a@example.com', to: 'b@example.com', subject: `${i}`, text: 'x' };
    await api.send('POST', '/v1/messages', { body });
  }
  for (let i = 1; i < COUNT; i++) {
    const body = { url: `https://app.example.com/${i}`, event_types: ['system.test'] };
    await api.send('POST', '/v1/endpoints', { body });
  }
});

test('pages of any size lead through a whole list, the newest first, each row once', async () => {
  for (const list of LISTS) {
    const whole = (await api.send('GET', `/v1/${list}?limit=100`)).body;
    assert.equal(whole.data.length, COUNT, list);
    assert.equal(whole.next_cursor, null);
    const ids: string[] = whole.data.map((row: Json) => row.id);
    assert.deepEqual(ids, [...ids].sort().reverse());
    for (let limit = 1; limit <= COUNT + 1; limit++) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const tail: string = cursor === null ? '' : `&cursor=${cursor}`;
        const page: Json = (await api.send('GET', `/v1/${list}?limit=${limit}${tail}`)).body;
        assert.ok(page.data.length <= limit);
        seen.push(...page.data.map((row: Json) => row.id));
        cursor = page.next_cursor;
      } while (cursor !== null);
      assert.deepEqual(seen, ids, `${list} by ${limit}`);
    }
  }
});

test('a cursor of another list, or of nobody, is refused', async () => {
  const cursors = new Map<string, string>();
  for (const list of LISTS) {
    cursors.set(list, (await api.send('GET', `/v1/${list}?limit=1`)).body.next_cursor);
  }
  for (const list of LISTS) {
    const others = LISTS.filter((other) => other !== list).map((other) => cursors.get(other) ?? '');
    const garbage = [
      '',
      'x',
      '%00',
      'bm9uc2Vuc2U',
      encodeCursor(''),
      encodeCursor("' OR 1=1"),
      'A'.repeat(499),
    ];
    for (const cursor of [...others, ...garbage]) {
      const answer = await api.send('GET', `/v1/${list}?cursor=${cursor}`);
      assertProblem(answer, 'invalid_cursor', /next_cursor/);
    }
  }
  assertProblem(await api.send('GET', `/v1/events?cursor=${'A'.repeat(501)}`), 'invalid_field');
});
