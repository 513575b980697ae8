import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startRawServer } from '../../../webhooks/fixtures/raw-server.ts';
import { startEndpointFarm } from '../fixtures/endpoint-farm.ts';
import { postEvents } from '../fixtures/make-events.ts';
import { killPosthornProcesses, startPosthornProcess } from '../fixtures/posthorn-process.ts';
import { readMetric } from '../fixtures/read-metric.ts';
import { createTestClient, readList } from '../fixtures/test-client.ts';

const API_KEY = 'phk_hostile';
const EVENTS = 1_000;
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 5000000000\r\n\r\n';

after(killPosthornProcesses);

/** One byte a second, for ever. */
function drip(socket: Socket, first: string): void {
  socket.write(first);
  const timer = setInterval(() => socket.write('a'), 1_000);
  socket.on('close', () => clearInterval(timer));
}

const CHUNK = Buffer.alloc(65_536, 'x');

/** Five gigabytes, as fast as they are taken. */
function pour(socket: Socket, first: string | Buffer): void {
  if (socket.destroyed) return;
  socket.write(first, () => setImmediate(() => pour(socket, CHUNK)));
}

test('endless and dripping answers cost no memory, and the others get everything meanwhile', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-hostile-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const farm = await startEndpointFarm(t);
  const dripping = await startRawServer(t, (socket) => drip(socket, HEAD));
  const headers = await startRawServer(t, (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx: '));
  let pouredBytes = 0;
  const pouring = await startRawServer(t, (socket) => {
    socket.on('close', () => {
      pouredBytes += socket.bytesWritten;
    });
    pour(socket, HEAD);
  });
  const server = await startPosthornProcess({ data: folder, 'api-key': API_KEY });
  t.after(() => server.child.kill('SIGKILL'));
  const client = createTestClient(server.httpUrl, API_KEY);
  const residentBytes = (): Promise<number> =>
    readMetric(server.httpUrl, 'process_resident_memory_bytes');

  await client.post('/v1/endpoints', { url: farm.url('well') });
  const before = await postEvents(client, EVENTS);
  await farm.until('the first are there', () => farm.taken('well').length === before.length);
  const usualBytes = await residentBytes();

  for (const { origin } of [dripping, headers]) {
    await client.post('/v1/endpoints', { url: origin, timeout: '60s' });
  }
  const { id: pourId } = await client.post('/v1/endpoints', { url: pouring.origin });
  const ids = await postEvents(client, EVENTS);
  const all = [...before, ...ids].sort();
  await farm.until('the others have all', () => farm.taken('well').length === all.length);
  assert.deepEqual(farm.taken('well').sort(), all);
  assert.deepEqual([dripping.closed, headers.closed], [0, 0], 'they still drip');
  assert.ok(dripping.requests.length > 0 && headers.requests.length > 0);

  // An answer that has begun with 200 counts, however long it is.
  let delivered: string[] = [];
  while (delivered.length < ids.length) {
    const list = await readList(client, `/v1/deliveries?endpoint_id=${pourId}&state=delivered`);
    delivered = list.map(({ event_id }) => event_id);
  }
  assert.deepEqual(delivered.sort(), [...ids].sort());
  assert.ok(pouredBytes / pouring.closed < 20_000_000, 'we hung up early');
  const resident = await residentBytes();
  assert.ok(resident < 1.5 * usualBytes, `${usualBytes} bytes resident, then ${resident}`);
  t.diagnostic(`${usualBytes} bytes resident, then ${resident}; poured ${pouredBytes}`);
});
