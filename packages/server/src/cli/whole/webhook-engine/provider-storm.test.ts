import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, type Random } from '../../../webhooks/simulation/random.ts';
import { startEndpointFarm } from '../fixtures/endpoint-farm.ts';
import { startInProcessServer } from '../fixtures/in-process-server.ts';
import { readList } from '../fixtures/test-client.ts';

/** How often one provider was seen to send one event, over 29 hours. */
const TIMES = 46;
const EVENTS = 12;
const CALLERS = 8;

function shuffle<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** One report of click `n`: what a provider changes from one retry to the next is different each time. */
function reportClick(n: number, random: Random): object {
  const atMs = Date.UTC(2026, 10, 21, 16, 0, n);
  const data = {
    provider: 'sendgrid',
    source: 'src_shop',
    provider_type: 'click',
    provider_event_id: null,
    message: { provider_id: 'sg-message-1', smtp_id: '<1@shop.example>' },
    recipient: random.chance(0.5) ? 'anna@example.com' : 'anna@EXAMPLE.com',
    engagement: { url: `https://shop.example/${n % 3}`, ip: `203.0.113.${random.int(1, 254)}` },
    received_at: new Date(atMs + random.int(1, 100_000_000)).toISOString(),
    raw: { sg_event_id: random.next().toString(36), attempt: random.int(0, 45) },
  };
  return {
    type: 'email.clicked',
    timestamp: new Date(atMs).toISOString(),
    data: Object.fromEntries(shuffle(Object.entries(data), random)),
  };
}

test('what a provider reports 46 times, shuffled and from all sides, is one event', async (t) => {
  const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 1_000_000);
  t.diagnostic(`TEST_SEED=${seed}`);
  const random = createRandom(seed);
  const farm = await startEndpointFarm(t);
  const server = await startInProcessServer({ apiRate: '10000' });
  t.after(() => server.stop());
  await server.client.post('/v1/endpoints', { url: farm.url('well') });

  const clicks = Array.from({ length: EVENTS }, (_, n) => n);
  const reports = shuffle(
    clicks.flatMap((n) => Array.from({ length: TIMES }, () => n)),
    random,
  ).map((n) => ({ n, report: reportClick(n, random) }));
  const idsOf = new Map(clicks.map((n) => [n, new Set<string>()]));
  let stored = 0;

  async function call(): Promise<void> {
    for (;;) {
      const part = reports.splice(0, random.int(1, 5));
      if (part.length === 0) return;
      const { data } = await server.client.post(
        '/v1/events',
        part.map(({ report }) => report),
      );
      part.forEach(({ n }, i) => {
        idsOf.get(n)?.add(data[i].id);
        if (!data[i].duplicate) stored += 1;
      });
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, call));

  assert.equal(stored, EVENTS);
  const ids = [...idsOf.values()].flatMap((set) => [...set]).sort();
  assert.equal(new Set(ids).size, EVENTS, 'every report of a click was told the same id');
  assert.equal(ids.length, EVENTS);
  const log = await readList(server.client, '/v1/events');
  assert.deepEqual(log.map(({ id }) => id).sort(), ids);
  await farm.until('all are there', () => farm.taken('well').length >= EVENTS);
  await server.stop();
  assert.deepEqual(farm.taken('well').sort(), ids, 'nothing was sent twice');
});
