import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertProblem, startTestApi, type TestApi } from '../../fixtures/test-api.ts';

let api: TestApi;
before(async () => {
  api = await startTestApi();
});
after(() => api.close());

const HOUR_MS = 3_600_000;

const post = (type: string, count: number) =>
  api.send('POST', '/v1/events', {
    body: Array.from({ length: count }, (_, i) => ({
      type,
      timestamp: new Date(api.now()).toISOString(),
      data: { recipient: `user${i}@example.com` },
    })),
  });

interface Volume {
  from: string;
  to: string;
  bucket_seconds: number;
  at_least: boolean;
  data: { at: string; counts: Record<string, number> }[];
}

const volume = async (period: string): Promise<Volume> =>
  (await api.send('GET', `/v1/events/volume?period=${period}`)).body;

const sumOf = ({ data }: Volume, type: string): number =>
  data.reduce((sum, { counts }) => sum + (counts[type] ?? 0), 0);

test('counts what happened in each stretch of the period, and nothing else', async () => {
  await post('email.delivered', 2);
  api.advance(3 * HOUR_MS);
  await post('email.delivered', 3);
  await post('email.bounced', 1);
  for (const [period, delivered] of [
    ['1h', 3],
    ['24h', 5],
    ['7d', 5],
  ] as const) {
    const one = await volume(period);
    assert.equal(sumOf(one, 'email.delivered'), delivered, period);
    assert.equal(sumOf(one, 'email.bounced'), 1);
    assert.equal(one.data[0]?.at, one.from);
    assert.ok(one.data.length > 30 && one.data.length < 60, `${one.data.length} in ${period}`);
    const steps = one.data.slice(1).map(({ at }, i) => {
      return Date.parse(at) - Date.parse(one.data[i]?.at ?? '');
    });
    assert.deepEqual(new Set(steps), new Set([one.bucket_seconds * 1_000]));
    assert.ok(one.data.some(({ counts }) => Object.keys(counts).length === 0));
  }
  const other = await api.send('GET', '/v1/events/volume', { key: api.otherKey });
  assert.equal(sumOf(other.body, 'email.delivered'), 0);
  assertProblem(await api.send('GET', '/v1/events/volume?period=1y'), 'invalid_field', /period/);
});
