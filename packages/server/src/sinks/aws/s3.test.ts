import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { itemAt, itemsTo, openScripted, troubleOf } from '../fixtures/scripted-http.ts';
import { findSinkKind } from '../sink-kinds.ts';
import { objectNameOf } from './s3-bucket.ts';

const S3 = {
  access_key_id: 'AKIDEXAMPLE',
  secret_access_key: 'secret',
  bucket: 'mail-events',
  region: 'eu-west-1',
};

test('a batch is one object of JSON lines, in the folder of its hour', async () => {
  const { asked, send } = await openScripted('s3', S3, () => ({ text: '' }));
  assert.deepEqual(await send(itemsTo(3)), []);
  assert.equal(asked.length, 1);
  const [{ method, url, headers, bytes } = assert.fail()] = asked;
  assert.equal(method, 'PUT');
  assert.match(
    url,
    /^https:\/\/mail-events\.s3\.eu-west-1\.amazonaws\.com\/posthorn\/date=2026-11-22\/hour=09\/evt_1-evt_3-[0-9a-f]{8}\.ndjson\.gz$/,
  );
  assert.equal(gunzipSync(bytes).toString(), '{"n":1}\n{"n":2}\n{"n":3}\n');
  const digest = createHash('sha256').update(bytes).digest('hex');
  assert.equal(headers['x-amz-content-sha256'], digest);
  assert.match(
    headers['authorization'] ?? '',
    /eu-west-1\/s3\/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date,/,
  );
});

test('the same events have the same name, and others another one', () => {
  const [first, second, third] = [itemAt(1), itemAt(2), itemAt(3)];
  const name = objectNameOf([first, second, third]);
  assert.equal(objectNameOf([first, second, third]), name);
  assert.notEqual(objectNameOf([first, third]), name);
});

test('the bucket is in the path when that is asked, behind whatever the endpoint has', async () => {
  const settings = { ...S3, endpoint: 'http://localhost:9000/storage', prefix: '' };
  const inPath = await openScripted('s3', { ...settings, path_style: true }, () => ({ text: '' }));
  await inPath.send(itemsTo(1));
  assert.match(inPath.asked[0]?.url ?? '', /^http:\/\/localhost:9000\/storage\/mail-events\/date=/);
  const inHost = await openScripted('s3', settings, () => ({ text: '' }));
  await inHost.send(itemsTo(1));
  assert.match(inHost.asked[0]?.url ?? '', /^http:\/\/mail-events\.localhost:9000\/storage\/date=/);
});

test('Parquet has columns to ask by, and the whole event', async () => {
  const { asked, send } = await openScripted('s3', { ...S3, format: 'parquet' }, () => ({}));
  await send([itemAt(1, { n: 1 }, 'msg_1'), itemAt(2)]);
  assert.match(asked[0]?.url ?? '', /\.parquet$/);
  const file = new Uint8Array(asked[0]?.bytes ?? []).buffer;
  const rows = await parquetReadObjects({ file });
  assert.equal(rows.length, 2);
  const [{ event, timestamp, ...columns } = assert.fail()] = rows;
  assert.deepEqual(columns, {
    id: 'evt_1',
    type: 'email.bounced',
    message_id: 'msg_1',
    recipient: itemAt(1).event.data.recipient,
  });
  assert.deepEqual(JSON.parse(event), { n: 1 });
  assert.equal(new Date(timestamp).toISOString(), itemAt(1).event.timestamp);
});

const error = (code: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>No.</Message></Error>`;
for (const [status, name, code] of [
  [404, 'NoSuchBucket', 'not_found'],
  [301, 'PermanentRedirect', 'not_found'],
  [400, 'AuthorizationHeaderMalformed', 'credentials'],
  [403, 'SignatureDoesNotMatch', 'credentials'],
  [503, 'SlowDown', 'rate_limited'],
  [400, 'EntityTooLarge', 'refused'],
  // No event is at fault for what is wrong with the bucket.
  [400, 'InvalidRequest', 'not_found'],
] as const) {
  test(`${status} ${name} is ${code}`, async () => {
    const { send } = await openScripted('s3', S3, () => ({ status, text: error(name) }));
    assert.equal((await troubleOf(send(itemsTo(2)))).code, code);
  });
}

test('settings say what is wrong with them', () => {
  for (const [field, value] of [
    ['bucket', 'Mail_Events'],
    ['prefix', 'mail'],
    ['prefix', '../mail/'],
    ['region', 'eu west'],
  ] as const) {
    const { error } = findSinkKind('s3')?.settings.safeParse({ ...S3, [field]: value }) ?? {};
    assert.deepEqual(error?.issues[0]?.path, [field], String(value));
  }
});
