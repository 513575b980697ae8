import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Asked,
  itemAt,
  itemsTo,
  openScripted,
  type Said,
  troubleOf,
} from '../fixtures/scripted-http.ts';
import { findSinkKind } from '../sink-kinds.ts';

// Answers are those of the documentation: the server is in neither npm nor Debian.

const settings = { url: 'https://clickhouse.example.com:8443', username: 'mail', password: 'pw' };
const ALL = 'id\ntype\ntimestamp\nmessage_id\nrecipient\nevent\n';
const queryOf = ({ url }: Asked) => new URL(url).searchParams.get('query') ?? '';
const isAboutColumns = (asked: Asked) => queryOf(asked).includes('system.columns');

/** A server whose table has these columns, and that answers an insert like this. */
const openTable = (columns: string, insert: () => Said = () => ({ text: '' })) =>
  openScripted('clickhouse', settings, (asked) => {
    if (isAboutColumns(asked)) return { text: columns };
    return queryOf(asked).startsWith('INSERT') ? insert() : { text: '' };
  });

test('a table is made when there is none, once', async () => {
  const { asked, send } = await openTable('');
  assert.deepEqual(await send(itemsTo(2)), []);
  await send([itemAt(3)]);
  const queries = asked.map(queryOf);
  assert.deepEqual(
    queries.map((query) => query.split(' ')[0]),
    ['SELECT', 'CREATE', 'INSERT', 'INSERT'],
  );
  assert.match(queries[1] ?? '', /CREATE TABLE IF NOT EXISTS `posthorn_events` \(id String, /);
  assert.match(queries[1] ?? '', /ENGINE = ReplacingMergeTree .* ORDER BY \(type, timestamp, id\)/);
});

test('rows are lines of JSON, and a batch has a token by which it is known again', async () => {
  const { asked, send } = await openTable(ALL);
  const batch = [itemAt(1, { n: 1 }, 'msg_1'), itemAt(2)];
  await send(batch);
  await send(batch);
  await send([itemAt(1)]);
  const [, first, second, third] = asked;
  assert.ok(first && second && third);
  const { searchParams } = new URL(first.url);
  assert.equal(
    searchParams.get('query'),
    'INSERT INTO `posthorn_events` (id, type, timestamp, message_id, recipient, event) FORMAT JSONEachRow',
  );
  assert.equal(searchParams.get('database'), 'default');
  assert.equal(searchParams.get('async_insert'), '0');
  assert.equal(first.headers['authorization'], `Basic ${btoa('mail:pw')}`);
  const lines = first.body.split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines[0], {
    id: 'evt_1',
    type: 'email.bounced',
    timestamp: '2026-11-22 09:59:58.501',
    message_id: 'msg_1',
    recipient: itemAt(1).event.data.recipient,
    event: '{"n":1}',
  });
  const tokens = [first, second, third].map(({ url }) =>
    new URL(url).searchParams.get('insert_deduplication_token'),
  );
  assert.equal(tokens[0], tokens[1]);
  assert.notEqual(tokens[0], tokens[2]);
});

test('a table of an older version gets the columns that it does not have', async () => {
  const { asked, send } = await openTable('id\ntype\ntimestamp\nevent\nour_own\n');
  await send(itemsTo(1));
  assert.equal(
    queryOf(asked[1] as Asked),
    'ALTER TABLE `posthorn_events` ADD COLUMN IF NOT EXISTS message_id Nullable(String), ADD COLUMN IF NOT EXISTS recipient Nullable(String)',
  );
});

for (const [status, exception, code] of [
  [403, '516', 'credentials'],
  [500, '497', 'credentials'],
  [404, '60', 'not_found'],
  [500, '252', 'rate_limited'],
  [500, '241', 'unavailable'],
  [400, '62', 'unavailable'],
  [400, '27', 'refused'],
  // It had begun to answer when it failed.
  [200, '241', 'unavailable'],
  [503, undefined, 'unavailable'],
] as const) {
  test(`${status} with exception ${exception} is ${code}`, async () => {
    const headers: Record<string, string> =
      exception === undefined ? {} : { 'x-clickhouse-exception-code': exception };
    const { send } = await openTable(ALL, () => ({ status, headers, text: 'DB::Exception: no' }));
    const trouble = await troubleOf(send(itemsTo(2)));
    assert.deepEqual([trouble.code, trouble.taken], [code, 0]);
  });
}

test('settings say what is wrong with them', () => {
  for (const [field, value] of [
    ['table', 'events; DROP'],
    ['url', 'clickhouse.example.com'],
    ['every_seconds', -1],
  ] as const) {
    const parsed = findSinkKind('clickhouse')?.settings.safeParse({ ...settings, [field]: value });
    assert.deepEqual(parsed?.error?.issues[0]?.path, [field]);
  }
});
