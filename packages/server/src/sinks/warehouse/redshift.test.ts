import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import {
  type Asked,
  itemAt,
  itemsTo,
  openScripted,
  type Said,
  troubleOf,
} from '../fixtures/scripted-http.ts';
import { findSinkKind } from '../sink-kinds.ts';

// Answers are those of the API reference: Redshift cannot run here.

const settings = {
  workgroup: 'mail',
  database: 'dev',
  bucket: 'loads',
  region: 'eu-west-1',
  iam_role: 'arn:aws:iam::123456789012:role/redshift',
  access_key_id: 'AKIDEXAMPLE',
  secret_access_key: 'secret',
};
const COLUMNS: [name: string, type: string, nullable: string][] = [
  ['id', 'character varying', 'NO'],
  ['type', 'character varying', 'NO'],
  ['timestamp', 'timestamp with time zone', 'NO'],
  ['message_id', 'character varying', 'YES'],
  ['recipient', 'character varying', 'YES'],
  ['event', 'super', 'YES'],
];
const actionOf = ({ headers }: Asked) => headers['x-amz-target']?.replace(/^RedshiftData\./, '');

/**
 * A database whose table has these columns. A statement is seen to run once and then to have ended like
 * this; `statements` has the SQL in its order.
 */
async function openTable(
  columns: readonly (readonly [string, string, string])[],
  { ended = { Status: 'FINISHED' }, batch }: { ended?: object; batch?: Said } = {},
) {
  const statements: string[][] = [];
  const opened = await openScripted('redshift', settings, (asked) => {
    const { Id, Sql, Sqls } = asked.method === 'POST' ? JSON.parse(asked.body) : {};
    switch (actionOf(asked)) {
      case 'ExecuteStatement':
        statements.push([Sql]);
        return { json: { Id: `query-${statements.length}` } };
      case 'BatchExecuteStatement':
        statements.push(Sqls);
        return batch ?? { json: { Id: `batch-${statements.length}` } };
      case 'DescribeStatement': {
        const looks = opened.asked.filter(
          (one) => actionOf(one) === 'DescribeStatement' && one.body === asked.body,
        );
        if (looks.length === 1) return { json: { Id, Status: 'STARTED' } };
        return { json: { Id, ...(Id.startsWith('batch') ? ended : { Status: 'FINISHED' }) } };
      }
      case 'GetStatementResult': {
        const fields = columns.map((row) => row.map((stringValue) => ({ stringValue })));
        return { json: { Records: fields.map((row) => [...row, { isNull: true }]) } };
      }
      default:
        return {};
    }
  });
  return { ...opened, statements };
}

test('a batch is an object, a manifest that names it, and one transaction that loads it', async () => {
  const { asked, send, statements } = await openTable(COLUMNS);
  const items = [itemAt(1, { a: [1, 'x'] }, 'msg_1'), itemAt(2)];
  assert.deepEqual(await send(items), []);
  const [object, manifest] = asked.filter(({ method }) => method === 'PUT');
  assert.ok(object && manifest);
  assert.match(object.url, /^https:\/\/loads\.s3\.eu-west-1\.amazonaws\.com\/posthorn\/date=2026/);
  assert.match(object.headers['authorization'] ?? '', /\/eu-west-1\/s3\/aws4_request/);
  const [first] = gunzipSync(object.bytes).toString('utf8').trim().split('\n');
  assert.deepEqual(JSON.parse(first ?? ''), {
    id: 'evt_1',
    type: 'email.bounced',
    timestamp: '2026-11-22T09:59:58.501Z',
    message_id: 'msg_1',
    recipient: items[0]?.event.data.recipient,
    event: { a: [1, 'x'] },
  });
  const url = object.url.replace('https://loads.s3.eu-west-1.amazonaws.com/', 's3://loads/');
  assert.deepEqual(JSON.parse(manifest.body), { entries: [{ url, mandatory: true }] });

  const [timeout, lock, make, copy, insert, drop] = statements[1] ?? [];
  assert.match(timeout ?? '', /^SET statement_timeout TO \d+$/);
  assert.equal(lock, 'LOCK "public"."posthorn_events"');
  assert.match(make ?? '', /^CREATE TEMP TABLE posthorn_load \("id" VARCHAR\(255\), /);
  assert.ok(copy?.includes(`FROM '${url}.manifest' IAM_ROLE '${settings.iam_role}'`), copy);
  assert.match(copy ?? '', /MANIFEST GZIP JSON 'auto'/);
  assert.match(insert ?? '', /WHERE "id" NOT IN\s+\(SELECT "id" FROM "public"\."posthorn_events"/);
  assert.match(insert ?? '', /BETWEEN '2026-11-22T09:59:58\.501Z' AND '2026-11-22T09:59:58\.502Z'/);
  assert.equal(drop, 'DROP TABLE posthorn_load');
  const load = asked.find((one) => actionOf(one) === 'BatchExecuteStatement');
  assert.equal(load?.url, 'https://redshift-data.eu-west-1.amazonaws.com/');
  assert.match(load?.headers['authorization'] ?? '', /\/eu-west-1\/redshift-data\/aws4_request/);
  const { WorkgroupName, Database } = JSON.parse(load?.body ?? '');
  assert.deepEqual([WorkgroupName, Database], ['mail', 'dev']);
});

test('a table is made when there is none, once, and the same batch has the same object', async () => {
  const { asked, send, statements } = await openTable([]);
  await send(itemsTo(2));
  await send(itemsTo(2));
  assert.match(statements[0]?.[0] ?? '', /FROM svv_columns\s+WHERE table_schema = 'public'/);
  assert.match(statements[1]?.[0] ?? '', /^CREATE TABLE IF NOT EXISTS "public"\."posthorn_events"/);
  assert.deepEqual(statements[2], statements[3]);
  assert.equal(statements.length, 4);
  const puts = asked.filter(({ method }) => method === 'PUT').map(({ url }) => url);
  assert.deepEqual(puts.slice(0, 2), puts.slice(2));
});

test('a table of an older version gets the columns that it does not have; another one is refused', async () => {
  const { send, statements } = await openTable([...COLUMNS.slice(0, 4), ['own', 'integer', 'YES']]);
  await send(itemsTo(1));
  assert.deepEqual(statements[1], [
    'ALTER TABLE "public"."posthorn_events" ADD COLUMN "recipient" VARCHAR(2000)',
    'ALTER TABLE "public"."posthorn_events" ADD COLUMN "event" SUPER',
  ]);
  const odd = await openTable([['id', 'integer', 'NO']]);
  const { code, message } = await troubleOf(odd.send(itemsTo(1)));
  assert.equal(code, 'schema_conflict');
  assert.match(message, /^public\.posthorn_events: the column id is of the type integer/);
  assert.equal(
    odd.asked.some(({ method }) => method === 'PUT'),
    false,
  );
});

for (const [said, code] of [
  ["ERROR: Load into table 'posthorn_load' failed. Check 'sys_load_error_detail'", 'refused'],
  ['ERROR: permission denied for relation posthorn_events', 'credentials'],
  ['ERROR: S3ServiceException:Access Denied,Status 403,Error AccessDenied', 'credentials'],
  ['ERROR: schema "nowhere" does not exist', 'not_found'],
  ['ERROR: Query (1) cancelled on user request', 'timeout'],
  ['ERROR: 1023 Serializable isolation violation on table', 'unavailable'],
] as const) {
  test(`a statement that failed with "${said}" is ${code}`, async () => {
    const { send } = await openTable(COLUMNS, { ended: { Status: 'FAILED', Error: said } });
    const trouble = await troubleOf(send(itemsTo(2)));
    assert.deepEqual([trouble.code, trouble.taken], [code, 0]);
    assert.ok(trouble.message.includes(said));
  });
}

for (const [status, type, code] of [
  [400, 'ValidationException', 'not_found'],
  [400, 'ActiveStatementsExceededException', 'rate_limited'],
  [400, 'AccessDeniedException', 'credentials'],
  [500, 'InternalServerException', 'unavailable'],
] as const) {
  test(`${type} is ${code}: no event is put aside for it`, async () => {
    const batch = { status, json: { __type: type, message: 'no' } };
    const { send } = await openTable(COLUMNS, { batch });
    assert.equal((await troubleOf(send(itemsTo(2)))).code, code);
  });
}

test('settings say what is wrong with them', () => {
  for (const [field, value] of [
    ['workgroup', undefined],
    ['table', 'Events'],
    ['iam_role', 'redshift'],
    ['region', 'Ireland'],
  ] as const) {
    const parsed = findSinkKind('redshift')?.settings.safeParse({ ...settings, [field]: value });
    assert.deepEqual(parsed?.error?.issues[0]?.path, [field]);
  }
  const both = findSinkKind('redshift')?.settings.safeParse({ ...settings, cluster: 'mail' });
  assert.match(both?.error?.issues[0]?.message ?? '', /a workgroup or a cluster/);
});
