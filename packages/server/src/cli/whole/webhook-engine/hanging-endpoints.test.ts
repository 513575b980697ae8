import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EndpointFarm, startEndpointFarm } from '../fixtures/endpoint-farm.ts';
import { API_KEY, startInProcessServer } from '../fixtures/in-process-server.ts';
import { postEvents } from '../fixtures/make-events.ts';
import { createTestClient, type TestClient } from '../fixtures/test-client.ts';

/** A minute without an answer: longer than any of these tests takes. */
const HANGS = { timeout: '60s' };

async function createEndpoints(
  client: TestClient,
  farm: EndpointFarm,
  names: readonly string[],
): Promise<void> {
  for (const name of names) await client.post('/v1/endpoints', { url: farm.url(name), ...HANGS });
}

/** `count` names such as `well-7`. */
const namesOf = (kind: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${kind}-${i}`);

function assertAllTook(farm: EndpointFarm, names: readonly string[], ids: readonly string[]): void {
  for (const name of names) assert.deepEqual(farm.taken(name).sort(), [...ids].sort(), name);
}

test('while one endpoint of a hundred hangs, the other ninety-nine get everything', async (t) => {
  const farm = await startEndpointFarm(t);
  farm.answer = ({ name }) => (name === 'hangs' ? null : 204);
  const server = await startInProcessServer();
  t.after(() => server.stop());
  const well = namesOf('well', 99);
  await createEndpoints(server.client, farm, ['hangs', ...well]);

  const ids = await postEvents(server.client, 100);
  await farm.until('the others have all', () =>
    well.every((name) => farm.taken(name).length === ids.length),
  );
  assertAllTook(farm, well, ids);
  const hanging = farm.posts.filter(({ name }) => name === 'hangs');
  assert.equal(hanging.length, 32, 'as many as one endpoint may have under way');
});

test('a project whose endpoints all hang holds up no other project', async (t) => {
  const farm = await startEndpointFarm(t);
  farm.answer = ({ name }) => (name.startsWith('hangs') ? null : 204);
  const server = await startInProcessServer({ apiRate: '10000' });
  t.after(() => server.stop());
  const operator = createTestClient(server.httpUrl, API_KEY);
  // More than the posts and the memory of the process: 30 x 32 and 30 x 300 against 512 and 8,192.
  await createEndpoints(operator, farm, namesOf('hangs', 30));
  await postEvents(operator, 300);

  const { id } = await operator.post('/v1/projects', { name: 'Another' });
  const { key } = await operator.post(`/v1/projects/${id}/keys`, {
    name: 'All',
    scopes: ['events', 'manage'],
  });
  const tenant = createTestClient(server.httpUrl, key);
  const well = namesOf('well', 3);
  await createEndpoints(tenant, farm, well);
  // More than fit into memory, so that some of them wait in the store and are read back.
  const ids = await postEvents(tenant, 3_000);
  await farm.until('the other project has all', () =>
    well.every((name) => farm.taken(name).length === ids.length),
  );
  assertAllTook(farm, well, ids);
  assert.ok(farm.posts.some(({ name }) => name.startsWith('hangs')));
});
