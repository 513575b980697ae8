import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { decodeCursor } from '../../../core/cursor.ts';
import { createIds, lowestIdAt } from '../../../core/ids.ts';
import { ANY_MESSAGE, type MessageFilter, searchMessages } from '../../mail/message-search.ts';
import { type OpenEngine, type Sandbox, useStore } from '../sandbox.ts';

const START_MS = Date.UTC(2026, 10, 21);
const MINUTE_MS = 60_000;

/** What was sent, a minute apart, the oldest first. */
const SENT = [
  { name: 'receipt', subject: 'Your RECEIPT 1042', tags: ['receipt'], to: 'anna', state: 'sent' },
  { name: 'resume', subject: 'Le résumé', tags: ['a"b', 'Receipt'], to: 'ben', state: 'bounced' },
  { name: 'none', subject: null, tags: [], to: 'anna', state: 'bounced' },
  { name: 'percent', subject: '100% off', tags: ['50%_off'], to: 'cara', state: 'delivered' },
  { name: 'other', subject: '100 euros off', tags: ['50 x off'], to: 'cara', state: 'sent' },
] as const;

const FOUND: [string, Partial<MessageFilter>, string[]][] = [
  ['part of a subject, whatever its case', { subject: 'receipt' }, ['receipt']],
  ['a subject without its accents', { subject: 'RESUME' }, ['resume']],
  ['a sign that SQL takes for a pattern', { subject: '100%' }, ['percent']],
  ['a whole tag, in its case', { tag: 'receipt' }, ['receipt']],
  ['a tag with a quote', { tag: 'a"b' }, ['resume']],
  ['a tag with signs of a pattern', { tag: '50%_off' }, ['percent']],
  ['no part of a tag', { tag: 'off' }, []],
  ['a state', { state: 'bounced' }, ['none', 'resume']],
  ['the state of one recipient', { state: 'bounced', recipient: 'anna@example.com' }, ['none']],
  ['a Message-ID', { smtpId: '<percent@example.com>' }, ['percent']],
  ['several things at once', { subject: 'off', state: 'sent' }, ['other']],
  [
    'a time, from inclusive, to exclusive',
    {
      fromId: lowestIdAt('message', START_MS + MINUTE_MS),
      toId: lowestIdAt('message', START_MS + 3 * MINUTE_MS),
    },
    ['none', 'resume'],
  ],
];

export function describeMessageSearch(open: OpenEngine): void {
  describe('the search for messages', () => {
    const sandbox = useStore(open);
    let box: Sandbox;
    const names = new Map<string, string>();

    before(async () => {
      box = await sandbox();
      for (const [i, { name, subject, tags, to, state }] of SENT.entries()) {
        const { log, event, message } = box;
        const now = () => START_MS + i * MINUTE_MS;
        const id = createIds({ now, randomBytes: (size) => new Uint8Array(size) }).next('message');
        names.set(id, name);
        const recipient = `${to}@example.com`;
        const fields = { subject, tags: [...tags], smtpId: `<${name}@example.com>` };
        await log.append(
          [event({ type: `email.${state}`, messageId: id, recipient })],
          message({ id, fields }),
        );
      }
    });

    const ask = (filter: Partial<MessageFilter>, limit: number, beforeId: string | null) => ({
      ...ANY_MESSAGE,
      projectId: box.projectId,
      limit,
      beforeId,
      ...filter,
    });

    for (const [name, filter, expected] of FOUND) {
      test(`finds ${name}`, async () => {
        const { rows, nextCursor } = await box.store.messages.list(ask(filter, 10, null));
        assert.deepEqual(
          rows.map(({ id }) => names.get(id)),
          expected,
        );
        assert.equal(nextCursor, null);
      });

      test(`finds ${name} in pages of windows that end anywhere`, async () => {
        const windowRows = 2;
        const found: (string | undefined)[] = [];
        let beforeId: string | null = null;
        do {
          const query = ask(filter, 1, beforeId);
          const { rows, nextCursor } = await searchMessages(box.engine.lists, query, windowRows);
          found.push(...rows.map(({ id }) => names.get(id)));
          beforeId = nextCursor === null ? null : decodeCursor(nextCursor);
        } while (beforeId !== null);
        assert.deepEqual(found, expected);
      });
    }
  });
}
