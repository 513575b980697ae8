import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createCounter } from '../../../analytics/counter.ts';
import type { Clock } from '../../../lib/clock.ts';
import { assertProblem, type Json, startTestApi } from '../../fixtures/test-api.ts';

describe('stats', async () => {
  const api = await startTestApi();
  after(() => api.close());
  const at = new Date(api.now() - 3_600_000).toISOString();

  async function report(type: string, recipient: string, data: Json = {}): Promise<void> {
    const message = { id: `m-${recipient}`, from: 'shop@sender.test', stream: 'broadcast' };
    const body = { type, timestamp: at, data: { message, recipient, tags: ['=news'], ...data } };
    const { status } = await api.send('POST', '/v1/events', { body });
    assert.equal(status, 202);
  }

  before(async () => {
    for (let i = 0; i < 120; i++) await report('email.delivered', `r${i}@gmail.com`);
    await report('email.complained', 'r1@gmail.com');
    const bounce = { type: 'hard', category: 'invalid_address', scope: 'recipient' };
    await report('email.bounced', 'x@other.test', { bounce });
    const clock: Clock = { now: api.now, after: () => () => {} };
    const counter = createCounter({
      places: api.store.statsPlaces,
      feed: api.store.feed,
      projectExists: () => true,
      retentionMs: () => 86_400_000,
      clock,
    });
    while ((await counter.step()) < 1_000);
  });

  test('say what was sent, by the hour, in sum and compared with before', async () => {
    const { body } = await api.send('GET', '/v1/stats?compare=previous');
    assert.deepEqual([body.interval, body.series.length, body.groups], ['hour', 25, null]);
    const { delivered, bounced, bounced_by_category, rates } = body.totals;
    assert.deepEqual([delivered, bounced, bounced_by_category], [120, 1, { invalid_address: 1 }]);
    assert.deepEqual([rates.complaint, rates.bounce], [0.008333, 0.008264]);
    assert.equal(body.previous.to, body.from);
    assert.equal(body.previous.totals.delivered, 0);
    const hour = body.series.find(({ delivered }: Json) => delivered > 0);
    assert.equal(hour.start.slice(0, 13), at.slice(0, 13));
  });

  test('are grouped and narrowed', async () => {
    const grouped = await api.send('GET', '/v1/stats?group_by=receiving_domain');
    assert.deepEqual(
      grouped.body.groups.map((one: Json) => [one.value, one.delivered, one.bounced]),
      [
        ['gmail.com', 120, 0],
        ['other.test', 0, 1],
      ],
    );
    const one = await api.send('GET', '/v1/stats?receiving_domain=Other.test&group_by=stream');
    assert.deepEqual([one.body.totals.delivered, one.body.groups[0].value], [0, 'broadcast']);
    const none = await api.send('GET', '/v1/stats?stream=transactional');
    assert.equal(none.body.totals.delivered, 0);
    const other = await api.send('GET', '/v1/stats', { key: api.otherKey });
    assert.equal(other.body.totals.delivered, 0);
  });

  test('come as CSV, without formulas', async () => {
    const { headers, text } = await api.send('GET', '/v1/stats/csv?group_by=tag');
    assert.match(String(headers['content-type']), /^text\/csv/);
    const [head, row] = text.split('\r\n');
    assert.match(head ?? '', /^value,accepted,sent,delivered,deferred,bounced,/);
    assert.match(row ?? '', /^'=news,0,0,120,0,1,/);
    const series = await api.send('GET', '/v1/stats/csv');
    assert.match(series.text, /^start,.*\r\n\d{4}-/);
  });

  test('refuse what is not kept, with what can be had', async () => {
    const cases: [string, RegExp][] = [
      [
        'interval=minute&since=2026-01-01T00:00:00Z',
        /Sums by minute are kept since .*longer interval/,
      ],
      ['since=2020-01-01T00:00:00Z', /Sums by day are kept since/],
      ['interval=hour&since=2026-09-01T00:00:00Z', /more than 1500 points/],
      ['since=2036-01-01T00:00:00Z', /has to be before until/],
      ['tag=a&provider=b', /leave out tag or provider/],
      ['tag=a&group_by=provider', /group by tag or stream/],
    ];
    for (const [query, problem] of cases) {
      assertProblem(await api.send('GET', `/v1/stats?${query}`), 'invalid_field', problem);
    }
    assert.equal((await api.send('GET', '/v1/stats?interval=minute')).status, 200);
  });

  test('are held against what mailbox providers publish', async () => {
    const { body } = await api.send('GET', '/v1/stats/deliverability');
    assert.equal(body.level, 'critical');
    const levels = body.checks.map(({ rate, publisher, level }: Json) => [rate, publisher, level]);
    assert.deepEqual(levels, [
      ['complaint', 'Gmail', 'critical'],
      ['complaint', 'Yahoo', 'critical'],
      ['complaint', 'Amazon SES', 'critical'],
      ['bounce', 'Amazon SES', 'good'],
    ]);
    // One bounce of one message is no rate.
    assert.equal(body.receiving_domains[1].level, 'unknown');
  });

  test('say how endpoints do', async () => {
    const url = 'https://app.example.com/';
    const endpoint = (await api.send('POST', '/v1/endpoints', { body: { url } })).body;
    for (const status of [200, 500]) {
      await report('email.opened', `e${status}@gmail.com`);
      await api.recordAttempts(endpoint.id, status);
    }
    const { body } = await api.send('GET', '/v1/stats/endpoints');
    const [health] = body.data;
    assert.equal(health.endpoint_id, endpoint.id);
    const { sampled, delivered, dead, success_rate } = health;
    assert.deepEqual([sampled, delivered, dead, success_rate], [2, 1, 1, 0.5]);
    assert.equal(health.at_least, false);
    assert.ok(health.latency_ms.p95 >= health.latency_ms.p50);
  });

  test('are counted anew when asked', async () => {
    const { status, body } = await api.send('POST', '/v1/stats/rebuild');
    assert.equal(status, 202);
    assert.match(body.since, /T00:00:00/);
    assert.equal((await api.send('GET', '/v1/stats')).body.rebuilding, true);
  });
});
