import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  EVENT_TYPES,
  higherStanding,
  type RecipientState,
  type Standing,
  standingOf,
} from '@posthorn/sdk';
import fc from 'fast-check';
import { NOW_MS, type OpenEngine, useStore } from '../sandbox.ts';

export function describePosition(open: OpenEngine): void {
  describe('position', () => {
    const sandbox = useStore(open);
    const ANNA = { messageId: 'm1', recipient: 'anna@b.test' };

    test('counts the events of a message and recipient, and says the state before and after', async () => {
      const { log, event } = await sandbox();
      const types = [
        'email.accepted',
        'email.deferred',
        'email.delivered',
        'email.opened',
      ] as const;
      const appended = await log.append(
        types.map((type, i) => event({ ...ANNA, type, atMs: NOW_MS + i })),
      );
      assert.deepEqual(
        appended.map(({ position }) => Object.values(position ?? {})),
        [
          [1, 'accepted', null],
          [2, 'deferred', 'accepted'],
          [3, 'delivered', 'deferred'],
          [4, 'delivered', 'delivered'],
        ],
      );
    });

    test('names the place in the log, where the next page of a reader begins', async () => {
      const { log, event, store, projectId } = await sandbox();
      const key = { dedupKey: 'once' };
      const appended = await log.append([event(), event(key), event(key), event()]);
      const places = appended.map(({ place }) => place);
      assert.equal(places[2], null);
      const all = { projectId, types: null, messageKey: null, recipient: null } as const;
      const page = await store.feed.after({ ...all, afterPosition: places[0] ?? 0, limit: 9 });
      assert.deepEqual(
        page.events.map(({ position }) => position),
        [places[1], places[3]],
      );
    });

    test('does not let an event that comes late lower the state', async () => {
      const { log, event } = await sandbox();
      await log.append([event({ ...ANNA, type: 'email.delivered', atMs: NOW_MS + 5 })]);
      const [late] = await log.append([event({ ...ANNA, type: 'email.deferred', atMs: NOW_MS })]);
      assert.deepEqual(late?.position, {
        sequence: 2,
        state: 'delivered',
        previousState: 'delivered',
      });
    });

    test('has a place but no state for an event that says nothing of the delivery', async () => {
      const { store, log, event, projectId } = await sandbox();
      const one = event({ ...ANNA, type: 'email.overdue' });
      const [first] = await log.append([one]);
      assert.deepEqual(first?.position, { sequence: 1, state: null, previousState: null });
      const { data } = (await store.events.get(projectId, one.event.id)) ?? {};
      assert.deepEqual([data?.sequence, data && 'state' in data], [1, false]);
      const [second] = await log.append([event({ ...ANNA, type: 'email.sent' })]);
      assert.deepEqual(second?.position, { sequence: 2, state: 'sent', previousState: null });
    });

    test('keeps recipients, messages and projects apart', async () => {
      const { log, event } = await sandbox();
      const other = await sandbox();
      await log.append([event({ ...ANNA, type: 'email.bounced' })]);
      const firsts = await Promise.all([
        log.append([event({ ...ANNA, recipient: 'bert@b.test', type: 'email.sent' })]),
        log.append([event({ ...ANNA, messageId: 'm2', type: 'email.sent' })]),
        other.log.append([other.event({ ...ANNA, type: 'email.sent' })]),
      ]);
      for (const [appended] of firsts) {
        assert.deepEqual(appended?.position, { sequence: 1, state: 'sent', previousState: null });
      }
    });

    test('has none for an event without a message or without a recipient', async () => {
      const { store, log, event, projectId } = await sandbox();
      const events = [event(), event({ messageId: 'm1' }), event({ recipient: 'a@b.test' })];
      const appended = await log.append(events);
      assert.deepEqual(
        appended.map(({ position }) => position),
        [null, null, null],
      );
      const read = await store.events.get(projectId, events[1]?.event.id ?? '');
      assert.deepEqual(read, events[1]?.event);
    });

    test("follows a message of another provider by that provider's id", async () => {
      const { store, log, event, projectId } = await sandbox();
      const foreign = (type: 'email.sent' | 'email.bounced') =>
        event({
          type,
          recipient: 'a@b.test',
          data: { message: { id: null, provider_id: 'sg.1' } },
        });
      await log.append([foreign('email.sent')]);
      const [second] = await log.append([foreign('email.bounced')]);
      assert.deepEqual(second?.position, { sequence: 2, state: 'bounced', previousState: 'sent' });
      assert.equal((await store.events.ofMessage(projectId, 'sg.1', 10)).length, 2);
    });

    test('gives the events of one recipient of a message, the newest first', async () => {
      const { store, log, event, projectId } = await sandbox();
      const others = { messageId: 'm1', recipient: 'other@b.test' };
      const mine = (['email.sent', 'email.delivered', 'email.opened', 'email.opened'] as const).map(
        (type) => event({ type, ...ANNA }),
      );
      await log.append([...mine, event({ type: 'email.opened', ...others })]);
      const query = { projectId, messageKey: 'm1', recipient: ANNA.recipient };
      const types = ['email.delivered', 'email.opened'] as const;
      const read = async (limit: number) =>
        (await store.events.ofRecipient({ ...query, types, limit })).map(({ type }) => type);
      assert.deepEqual(await read(9), ['email.opened', 'email.opened', 'email.delivered']);
      assert.deepEqual(await read(1), ['email.opened']);
    });

    test('folds any events in any order as the SDK does', async () => {
      const { log, event, ids } = await sandbox();
      const happening = fc.record({
        type: fc.constantFrom(...EVENT_TYPES),
        atMs: fc.integer({ min: NOW_MS, max: NOW_MS + 4 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(happening, { minLength: 1, maxLength: 12 }), async (story) => {
          const message = { messageId: ids.next('message'), recipient: 'a@b.test' };
          const appended = await log.append(story.map((one) => event({ ...message, ...one })));
          let standing = null as Standing | null;
          for (const [i, { type, atMs }] of story.entries()) {
            const previousState: RecipientState | null = standing?.state ?? null;
            standing = higherStanding(standing, standingOf(type, atMs));
            const state = standing?.state ?? null;
            assert.deepEqual(appended[i]?.position, { sequence: i + 1, state, previousState });
          }
        }),
        { numRuns: 50 },
      );
    });
  });
}
