import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, verify } from 'node:crypto';
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

// Answers are those of the API reference: Snowflake cannot run here.

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const settings = {
  account: 'my_org-account',
  username: 'posthorn',
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  database: 'mail',
  warehouse: 'loads',
};
const COLUMNS = [
  ['ID', 'TEXT', 'NO', null],
  ['TYPE', 'TEXT', 'NO', null],
  ['TIMESTAMP', 'TIMESTAMP_TZ', 'NO', null],
  ['MESSAGE_ID', 'TEXT', 'YES', null],
  ['RECIPIENT', 'TEXT', 'YES', null],
  ['EVENT', 'VARIANT', 'YES', null],
];
const statementOf = ({ body }: Asked): string => (body === '' ? '' : JSON.parse(body).statement);

/** A database whose table has these columns, and that answers a load like this. */
const openTable = (columns: unknown, merge: (asked: Asked) => Said = () => ({})) =>
  openScripted('snowflake', settings, (asked) => {
    if (statementOf(asked).startsWith('SELECT')) return { json: { data: columns } };
    return asked.method === 'GET' || statementOf(asked).startsWith('MERGE') ? merge(asked) : {};
  });

test('rows are merged by the id of the event, as one text', async () => {
  const { asked, send } = await openTable(COLUMNS);
  const items = [itemAt(1, { text: `it's "x"` }, 'msg_1'), itemAt(2)];
  delete items[1]?.event.data.recipient;
  assert.deepEqual(await send(items), []);
  const [, { url, body } = assert.fail()] = asked;
  assert.equal(url, 'https://my-org-account.snowflakecomputing.com/api/v2/statements');
  const { statement, bindings, timeout, ...where } = JSON.parse(body);
  assert.deepEqual(where, { database: 'MAIL', schema: 'PUBLIC', warehouse: 'LOADS' });
  assert.ok(timeout < 60, 'it ends before it would be sent again');
  assert.match(statement, /^MERGE INTO "MAIL"\."PUBLIC"\."POSTHORN_EVENTS" AS there/);
  assert.match(statement, /ON there\."ID" = loaded\."ID"\s+WHEN NOT MATCHED THEN INSERT/);
  assert.match(statement, /row_of\.value:timestamp::TIMESTAMP_TZ AS "TIMESTAMP"/);
  assert.equal(bindings[1].type, 'TEXT');
  const [first, second] = JSON.parse(bindings[1].value);
  assert.deepEqual(first, {
    id: 'evt_1',
    type: 'email.bounced',
    timestamp: '2026-11-22T09:59:58.501Z',
    message_id: 'msg_1',
    recipient: items[0]?.event.data.recipient,
    event: { text: `it's "x"` },
  });
  assert.equal('recipient' in second, false);
});

test('who asks shows a token that the public key of the user verifies, for an hour', async () => {
  const { asked, clock, send } = await openTable(COLUMNS);
  await send(itemsTo(1));
  const { headers } = asked[0] ?? assert.fail();
  assert.equal(headers['x-snowflake-authorization-token-type'], 'KEYPAIR_JWT');
  const [header = '', claims = '', signature = ''] =
    headers['authorization']?.replace('Bearer ', '').split('.') ?? [];
  const signed = Buffer.from(signature, 'base64url');
  assert.ok(verify('sha256', Buffer.from(`${header}.${claims}`), publicKey, signed));
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const print = createHash('sha256').update(der).digest('base64');
  const { iss, sub, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  assert.equal(sub, 'MY_ORG-ACCOUNT.POSTHORN');
  assert.equal(iss, `MY_ORG-ACCOUNT.POSTHORN.SHA256:${print}`);
  assert.ok(exp - iat <= 3_600);
  await send(itemsTo(1));
  clock.nowMs += 3_500_000;
  await send(itemsTo(1));
  assert.equal(new Set(asked.map((one) => one.headers['authorization'])).size, 2);
});

test('a load that takes longer is looked after until it has ended', async () => {
  let looks = 0;
  const { asked, send } = await openTable(COLUMNS, ({ method }) => {
    if (method === 'GET') looks += 1;
    return looks === 3 ? {} : { status: 202, json: { statementHandle: '01b-0-1' } };
  });
  assert.deepEqual(await send(itemsTo(1)), []);
  assert.equal(looks, 3);
  assert.match(asked.at(-1)?.url ?? '', /\/api\/v2\/statements\/01b-0-1$/);
});

test('a table is made when there is none, once, and gets the columns that it does not have', async () => {
  const { asked, send } = await openTable([]);
  await send(itemsTo(1));
  await send(itemsTo(1));
  assert.deepEqual(
    asked.map((one) => statementOf(one).split(' ')[0]),
    ['SELECT', 'CREATE', 'MERGE', 'MERGE'],
  );
  const old = await openTable(COLUMNS.slice(0, 4));
  await old.send(itemsTo(1));
  assert.equal(
    statementOf(old.asked[1] as Asked),
    'ALTER TABLE "MAIL"."PUBLIC"."POSTHORN_EVENTS" ADD COLUMN "RECIPIENT" VARCHAR, "EVENT" VARIANT',
  );
  const odd = await openTable([['EVENT', 'TEXT', 'YES', null]]);
  const { code, message } = await troubleOf(odd.send(itemsTo(1)));
  assert.deepEqual(
    [code, /the column EVENT is of the type TEXT/.test(message)],
    ['schema_conflict', true],
  );
});

for (const [status, sqlState, said, code] of [
  [401, '', 'JWT token is invalid.', 'credentials'],
  [422, '42501', 'Insufficient privileges to operate on table', 'credentials'],
  [422, '02000', "Object 'X' does not exist or not authorized.", 'not_found'],
  [422, '57P03', 'No active warehouse selected in the current session.', 'not_found'],
  [422, '22000', 'Timestamp is not recognized', 'refused'],
  [422, '42601', 'SQL compilation error', 'unavailable'],
  [408, '', 'Statement reached its timeout and was canceled.', 'timeout'],
  [429, '', 'Too many requests.', 'rate_limited'],
  [400, '', 'Bad request.', 'unavailable'],
  [503, '', 'Service unavailable.', 'unavailable'],
] as const) {
  test(`${status} ${sqlState} "${said}" is ${code}`, async () => {
    const answer = { status, json: { code: '000000', sqlState, message: said } };
    const { send } = await openTable(COLUMNS, () => answer);
    const trouble = await troubleOf(send(itemsTo(2)));
    assert.deepEqual([trouble.code, trouble.taken], [code, 0]);
    assert.ok(trouble.message.includes(said));
  });
}

test('settings say what is wrong with them', () => {
  const { privateKey: other } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  for (const [field, value] of [
    ['account', 'https://my-org.snowflakecomputing.com'],
    ['private_key', other.export({ type: 'pkcs8', format: 'pem' })],
    ['private_key', 'MIIE'],
    ['table', 'a"b'],
  ] as const) {
    const parsed = findSinkKind('snowflake')?.settings.safeParse({ ...settings, [field]: value });
    assert.deepEqual(parsed?.error?.issues[0]?.path, [field]);
  }
});
