import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeRecord } from '../store/nodes.ts';
import { createNodeRoutes } from './api/nodes/node-routes.ts';
import { type Json, startTestApi } from './fixtures/test-api.ts';

const NODE: NodeRecord = {
  id: 'node_a',
  host: 'mail-1',
  pid: 7,
  version: '0.1.0',
  roles: ['api', 'dispatch'],
  state: 'working',
  stats: { deliveriesInMemory: 0, postsInFlight: 3, mailInMemory: 0 },
  startedAtMs: 1_000,
  beat: 9,
  beatAtMs: 9_000,
};

test('says who is there, since when, with which duties and with how much work', async (t) => {
  const api = await startTestApi();
  t.after(() => api.close());
  assert.deepEqual((await api.send('GET', '/v1/nodes')).body, { data: [] });
  const { nodes } = api.store;
  await nodes.register({ ...NODE, id: 'node_b', state: 'draining' });
  await nodes.register(NODE);
  await nodes.takeDuty('retention', NODE.id);
  await nodes.takeDuty('alerts', NODE.id);
  const event = { type: 'email.opened', timestamp: '2026-11-21T16:00:00Z', data: {} };
  const { body: endpoint } = await api.send('POST', '/v1/endpoints', {
    body: { url: 'https://app.example.com/' },
  });
  const later = { ...event, timestamp: '2026-11-21T16:00:01Z' };
  await api.send('POST', '/v1/events', { body: [event, later] });
  const claim = { projectId: api.projectId, endpointId: endpoint.id, limit: 9, node: NODE.id };
  for (const urgency of [0, 1, 2] as const) {
    await api.engine.claimDeliveries({ ...claim, urgency, nowMs: api.now() });
  }
  api.advance(30_000);
  const [a, b] = (await api.send('GET', '/v1/nodes')).body.data as Json[];
  const { lag_seconds: lag, ...rest } = a;
  assert.deepEqual(rest, {
    id: 'node_a',
    host: 'mail-1',
    pid: 7,
    version: '0.1.0',
    roles: ['api', 'dispatch'],
    state: 'working',
    started_at: '1970-01-01T00:00:01.000Z',
    last_beat_at: null,
    leases: { deliveries: 2, mail: 0 },
    posts_in_flight: 3,
    duties: ['alerts', 'retention'],
  });
  assert.ok(lag >= 30 && lag < 31, String(lag));
  assert.deepEqual(
    [b.id, b.state, b.leases, b.lag_seconds, b.duties],
    ['node_b', 'draining', { deliveries: 0, mail: 0 }, 0, []],
  );
});

test('tells the last beat where nodes beat', async () => {
  const nodes = { list: async () => [NODE], duties: async () => [], held: async () => [] };
  const [route] = createNodeRoutes({ nodes, engine: { shared: true }, now: () => 10_000 });
  assert.ok(route);
  const request = {
    projectId: '',
    callerId: '',
    scopes: [],
    params: {},
    keyMode: 'live' as const,
    query: {},
    body: {},
    ifMatch: null,
    raw: null,
  };
  const client = {
    gone: () => new AbortController().signal,
    drop() {},
    isLetIn: async () => true,
    lastEventId: null,
  };
  const { body } = await route.handle({ ...request, client, remember: () => [] });
  assert.equal((body as Json).data[0].last_beat_at, '1970-01-01T00:00:09.000Z');
});
