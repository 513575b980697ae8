import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeCursor, type Page } from '../../../core/cursor.ts';
import { ANY_MESSAGE } from '../../mail/message-search.ts';
import {
  ANY_DELIVERY,
  type DeliveryFilter,
} from '../../webhooks/delivery-queries/delivery-filter.ts';
import { type OpenEngine, type Sandbox, useStore } from '../sandbox.ts';

const ROWS = 23;

interface ListCase {
  name: string;
  /** Adds a row; returns its key, or the keys if it takes more than one. */
  add(box: Sandbox, i: number): Promise<string | string[]>;
  /** The keys of a page, and its cursor. */
  page(box: Sandbox, limit: number, before: string | null): Promise<Page<string>>;
  /** Rows that the list must leave out, where it filters. */
  addOther?(box: Sandbox): Promise<void>;
}

const mapPage = <T>(page: Page<T>, keyOf: (row: T) => string): Page<string> => ({
  rows: page.rows.map(keyOf),
  nextCursor: page.nextCursor,
});

const addEvent = async (box: Sandbox, ...input: Parameters<Sandbox['event']>): Promise<string> => {
  const one = box.event(...input);
  await box.log.append([one]);
  return one.event.id;
};

const pageOfEvents = async (
  { store, projectId }: Sandbox,
  limit: number,
  beforeId: string | null,
  filter: { types?: ['email.bounced']; messageKey?: string; recipient?: string } = {},
): Promise<Page<string>> => {
  const { types = [], messageKey = null, recipient = null } = filter;
  const query = { projectId, limit, beforeId, types, messageKey, recipient };
  return mapPage(await store.events.list(query), (event) => event.id);
};

const BOUNCE = { type: 'email.bounced', messageId: 'm1', recipient: 'anna@b.test' } as const;

const CASES: ListCase[] = [
  {
    name: 'events',
    add: (box) => addEvent(box),
    page: (box, limit, before) => pageOfEvents(box, limit, before),
  },
  {
    name: 'events of a type',
    add: (box) => addEvent(box, BOUNCE),
    addOther: async (box) => void (await addEvent(box, { ...BOUNCE, type: 'email.sent' })),
    page: (box, limit, before) => pageOfEvents(box, limit, before, { types: ['email.bounced'] }),
  },
  {
    name: 'events of a message',
    add: (box) => addEvent(box, BOUNCE),
    addOther: async (box) => void (await addEvent(box, { ...BOUNCE, messageId: 'm2' })),
    page: (box, limit, before) => pageOfEvents(box, limit, before, { messageKey: 'm1' }),
  },
  {
    name: 'events of a recipient',
    add: (box, i) => addEvent(box, { ...BOUNCE, messageId: `m${i}` }),
    addOther: async (box) => void (await addEvent(box, { ...BOUNCE, recipient: 'bert@b.test' })),
    page: (box, limit, before) => pageOfEvents(box, limit, before, { recipient: 'anna@b.test' }),
  },
  {
    name: 'messages',
    async add({ log, message, ids }) {
      const id = ids.next('message');
      await log.append([], message({ id }));
      return id;
    },
    async page({ store, projectId }, limit, beforeId) {
      const page = await store.messages.list({ ...ANY_MESSAGE, projectId, limit, beforeId });
      return mapPage(page, (message) => message.id);
    },
  },
  {
    name: 'messages to a recipient',
    async add({ log, message, event, ids }) {
      const id = ids.next('message');
      const accepted = event({ type: 'email.accepted', messageId: id, recipient: 'anna@b.test' });
      await log.append([accepted], message({ id }));
      return id;
    },
    async addOther({ log, message, event, ids }) {
      const id = ids.next('message');
      await log.append([event({ messageId: id, recipient: 'bert@b.test' })], message({ id }));
    },
    async page({ store, projectId }, limit, beforeId) {
      const query = { ...ANY_MESSAGE, projectId, limit, beforeId, recipient: 'anna@b.test' };
      return mapPage(await store.messages.list(query), (message) => message.id);
    },
  },
  {
    name: 'endpoints',
    async add({ store, endpoint, ids }) {
      const id = ids.next('endpoint');
      await store.endpoints.insert(endpoint({ id }), []);
      return id;
    },
    async page({ store, projectId }, limit, beforeId) {
      const page = await store.endpoints.list({ projectId, limit, beforeId });
      return mapPage(page, (endpoint) => endpoint.id);
    },
  },
  {
    name: 'deliveries, several for each event',
    async add(box) {
      box.owes({ endpointId: 'ep_a' }, { endpointId: 'ep_b' });
      const eventId = await addEvent(box);
      // A page may end between the two.
      return [`${eventId}/ep_a`, `${eventId}/ep_b`];
    },
    page: pageOfDeliveries,
  },
  {
    name: 'deliveries of an endpoint in a state',
    async add(box) {
      box.owes({});
      return `${await addEvent(box)}/${box.endpointId}`;
    },
    async addOther(box) {
      box.owes({ state: 'skipped' }, { endpointId: 'ep_other' });
      await addEvent(box);
    },
    page: (box, limit, before) =>
      pageOfDeliveries(box, limit, before, { states: ['pending'], endpointIds: [box.endpointId] }),
  },
];

async function pageOfDeliveries(
  { store, projectId }: Sandbox,
  limit: number,
  before: string | null,
  filter: Partial<DeliveryFilter> = {},
): Promise<Page<string>> {
  const [eventId = '', endpointId = ''] = before?.split('/') ?? [];
  const beforeId = before === null ? null : { eventId, endpointId };
  const page = await store.deliveries.list({
    ...ANY_DELIVERY,
    projectId,
    limit,
    beforeId,
    ...filter,
  });
  return mapPage(page, (row) => `${row.event_id}/${row.endpoint_id}`);
}

export function describeLists(open: OpenEngine): void {
  describe('lists', () => {
    const sandbox = useStore(open);
    for (const one of CASES) describeList(sandbox, one);
  });
}

function describeList(sandbox: () => Promise<Sandbox>, one: ListCase): void {
  describe(`of ${one.name}`, () => {
    let box: Sandbox;
    let added = 0;
    const keys: string[] = [];

    async function add(): Promise<void> {
      keys.push(...[await one.add(box, added)].flat());
      added += 1;
      await one.addOther?.(box);
    }

    before(async () => {
      box = await sandbox();
      while (added < ROWS) await add();
    });

    test('show every row once, the newest first, whatever the page size', async () => {
      const expected = [...keys].sort().reverse();
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: ROWS + 2 }), async (limit) => {
          assert.deepEqual((await walk(limit)).flat(), expected);
        }),
        { numRuns: 12, examples: [[1], [ROWS - 1], [ROWS], [ROWS + 1]] },
      );
    });

    test('are not disturbed by rows that are added meanwhile', async () => {
      const expected = [...keys].sort().reverse();
      assert.deepEqual((await walk(5, add)).flat(), expected);
    });

    test('end without a cursor', async () => {
      const pages = await walk(keys.length);
      assert.deepEqual(
        pages.map((page) => page.length),
        [keys.length],
      );
    });

    async function walk(limit: number, between = async (): Promise<void> => {}) {
      const pages: string[][] = [];
      let beforeKey: string | null = null;
      do {
        const page: Page<string> = await one.page(box, limit, beforeKey);
        pages.push(page.rows);
        assert.ok(page.rows.length <= limit);
        beforeKey = page.nextCursor === null ? null : decodeCursor(page.nextCursor);
        await between();
      } while (beforeKey !== null);
      return pages;
    }
  });
}
