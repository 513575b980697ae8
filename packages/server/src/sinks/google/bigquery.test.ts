import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import {
  type Asked,
  itemAt,
  itemsTo,
  openScripted,
  type Said,
  troubleOf,
} from '../fixtures/scripted-http.ts';

// Answers are those of the API reference: BigQuery cannot run here.

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const settings = {
  project: 'my-project',
  dataset: 'mail',
  service_account: JSON.stringify({
    client_email: 'posthorn@my-project.iam.gserviceaccount.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }),
};
const TABLES =
  'https://bigquery.googleapis.com/bigquery/v2/projects/my-project/datasets/mail/tables';
const GONE: Said = { status: 404, json: { error: { message: 'Not found: Table' } } };
const COLUMNS = ['id', 'type', 'timestamp', 'message_id', 'recipient', 'event'];
const withColumns = (names: string[]): Said => ({
  json: { schema: { fields: names.map((name) => ({ name, type: 'STRING', mode: 'NULLABLE' })) } },
});

/** A dataset whose table is this, and that answers the inserts in turn; what was asked without tokens. */
async function openTable(table: Said, ...inserts: Said[]) {
  const opened = await openScripted('bigquery', settings, ({ method, url }) => {
    if (url.endsWith('/token')) return { json: { access_token: 't', expires_in: 3_600 } };
    if (method === 'GET') return table;
    return url.endsWith('/insertAll') ? (inserts.shift() ?? {}) : {};
  });
  const calls = (): Asked[] => opened.asked.filter(({ url }) => !url.endsWith('/token'));
  return { ...opened, calls };
}

test('a table is made when there is none, once', async () => {
  const { calls, send } = await openTable(GONE);
  await send(itemsTo(2));
  await send([itemAt(3)]);
  assert.deepEqual(
    calls().map(({ method, url }) => `${method} ${url.slice(TABLES.length)}`),
    [
      'GET /posthorn_events',
      'POST ',
      'POST /posthorn_events/insertAll',
      'POST /posthorn_events/insertAll',
    ],
  );
  const made = JSON.parse(calls()[1]?.body ?? '');
  assert.deepEqual(made.tableReference, {
    projectId: 'my-project',
    datasetId: 'mail',
    tableId: 'posthorn_events',
  });
  assert.deepEqual(
    made.schema.fields.map(({ name }: { name: string }) => name),
    COLUMNS,
  );
});

test('rows are inserted with the id of the event, by which BigQuery knows them again', async () => {
  const { calls, send } = await openTable(withColumns(COLUMNS));
  assert.deepEqual(await send([itemAt(1, { n: 1 }, 'msg_1')]), []);
  const { rows, skipInvalidRows } = JSON.parse(calls()[1]?.body ?? '');
  assert.equal(skipInvalidRows, true);
  assert.deepEqual(rows, [
    {
      insertId: 'evt_1',
      json: {
        id: 'evt_1',
        type: 'email.bounced',
        timestamp: '2026-11-22T09:59:58.501Z',
        message_id: 'msg_1',
        recipient: itemAt(1).event.data.recipient,
        event: '{"n":1}',
      },
    },
  ]);
});

test('a table of an older version gets the columns that it does not have', async () => {
  const { calls, send } = await openTable(
    withColumns(['id', 'our_own', 'type', 'timestamp', 'event']),
  );
  await send(itemsTo(1));
  assert.equal(calls()[1]?.method, 'PATCH');
  const fields: { name: string; mode: string }[] = JSON.parse(calls()[1]?.body ?? '').schema.fields;
  assert.deepEqual(
    fields.map(({ name }) => name),
    ['id', 'our_own', 'type', 'timestamp', 'event', 'message_id', 'recipient'],
  );
  assert.ok(fields.every(({ mode }) => mode === 'NULLABLE'));
});

test('a row that is invalid is put aside; one that had bad luck is inserted again', async () => {
  const error = (index: number, reason: string) => ({ index, errors: [{ reason, message: 'no' }] });
  const first = { json: { insertErrors: [error(0, 'invalid'), error(2, 'backendError')] } };
  const { calls, send } = await openTable(withColumns(COLUMNS), first);
  assert.deepEqual(await send(itemsTo(3)), [{ index: 0, detail: 'invalid: no' }]);
  const again = JSON.parse(calls()[2]?.body ?? '').rows;
  assert.deepEqual(
    again.map(({ insertId }: { insertId: string }) => insertId),
    ['evt_3'],
  );
});

for (const [said, code] of [
  [{ status: 403, json: { error: { errors: [{ reason: 'rateLimitExceeded' }] } } }, 'rate_limited'],
  [{ status: 403, json: { error: { errors: [{ reason: 'accessDenied' }] } } }, 'credentials'],
  // A table that was just made is not known everywhere yet.
  [GONE, 'not_found'],
  [{ status: 503 }, 'unavailable'],
  [{ text: '{"insertErrors":[{"ind' }, 'unavailable'],
] as [Said, string][]) {
  test(`${JSON.stringify(said)} is ${code}`, async () => {
    const { send } = await openTable(withColumns(COLUMNS), said);
    assert.equal((await troubleOf(send(itemsTo(2)))).code, code);
  });
}
