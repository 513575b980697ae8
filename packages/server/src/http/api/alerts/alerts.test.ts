import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createCounter } from '../../../analytics/counter.ts';
import type { Clock } from '../../../lib/clock.ts';
import { fireAlert } from '../../fixtures/fire-alert.ts';
import { assertProblem, type Json, startTestApi } from '../../fixtures/test-api.ts';

const MINUTE_MS = 60_000;

describe('an alert', async () => {
  let sinkStatus = 200;
  const api = await startTestApi({ sinkStatus: () => sinkStatus });
  after(() => api.close());
  const clock: Clock = { now: api.now, after: () => () => {} };
  const counter = createCounter({
    places: api.store.statsPlaces,
    feed: api.store.feed,
    projectExists: () => true,
    retentionMs: () => 86_400_000,
    clock,
  });
  /** Another one after each start of the server. */
  let alerts = api.makeAlerts();
  let rule: Json;
  let sink: Json;

  /** What a minute of the server does. */
  async function minute(minutes = 1): Promise<void> {
    api.advance(minutes * MINUTE_MS);
    while ((await counter.step()) < 1_000);
    await alerts.round();
  }

  async function report(type: string, count: number, data: Json = {}): Promise<void> {
    const timestamp = new Date(api.now()).toISOString();
    const body = Array.from({ length: count }, (_, i) => ({
      type,
      timestamp,
      data: {
        message: { id: `m-${timestamp}-${i}`, stream: 'broadcast' },
        recipient: `${type.slice(6)}-${i}@example.com`,
        ...data,
      },
    }));
    assert.equal((await api.send('POST', '/v1/events', { body })).status, 202);
  }

  const listed = async (query = ''): Promise<Json[]> =>
    (await api.send('GET', `/v1/alerts${query}`)).body.data;
  const history = async (id: string): Promise<string[]> => {
    const { body } = await api.send('GET', `/v1/alerts/${id}`);
    return body.history.map(({ what, kind, state }: Json) => `${what} ${kind} ${state}`);
  };
  const mails = async (): Promise<string[]> =>
    (await api.send('GET', '/v1/messages?recipient=ops@example.com')).body.data.map(
      ({ subject }: Json) => subject,
    );
  const eventsOf = async (type: string): Promise<Json[]> =>
    (await api.send('GET', `/v1/events?type=${type}`)).body.data;

  before(async () => {
    sink = (
      await api.send('POST', '/v1/sinks', {
        body: {
          kind: 'http',
          name: 'On call',
          settings: { url: 'https://hook.example.com/' },
          event_types: ['email.opened'],
        },
      })
    ).body;
    rule = (
      await api.send('POST', '/v1/alert-rules', {
        body: {
          type: 'bounce_rate',
          name: 'Bounces',
          scope: { stream: 'broadcast' },
          window_seconds: 300,
          min_volume: 20,
          resolve_after_seconds: 120,
          to: { sinks: [sink.id], emails: ['ops@example.com'] },
          actions: [{ type: 'hold_stream', stream: 'broadcast' }, { type: 'suppress' }],
        },
      })
    ).body;
  });

  test('does not fire on few messages, nor below its line', async () => {
    const bounce = { bounce: { type: 'hard', category: 'invalid_address', scope: 'recipient' } };
    await report('email.bounced', 1, bounce);
    await minute();
    await report('email.delivered', 60);
    await minute();
    assert.deepEqual(await listed(), []);
  });

  test('fires once, tells each one once, and does what its rule says', async () => {
    await report('email.bounced', 5, {
      bounce: { type: 'hard', category: 'invalid_address', scope: 'recipient' },
    });
    await minute();
    const [alert, ...others] = await listed('?state=open');
    assert.deepEqual(others, []);
    assert.equal(alert.state, 'firing');
    assert.equal(alert.rule.id, rule.id);
    assert.match(
      alert.sentence,
      /^9.1% of the messages of the stream broadcast bounced in the last 5 minutes \(6 of 66\); the line is 5%\.$/,
    );
    assert.deepEqual((await history(alert.id)).toSorted(), [
      'fired action sent',
      'fired action sent',
      'fired email sent',
      'fired sink sent',
    ]);
    assert.deepEqual(await mails(), ['[Posthorn] Firing: Bounces']);
    assert.equal(api.sinkRequests.length, 1);
    assert.match(api.sinkRequests[0]?.body ?? '', /"alert.fired"/);
    const [event] = await eventsOf('alert.fired');
    assert.equal(event.data.alert.id, alert.id);
    const { body: project } = await api.send('GET', `/v1/projects/${api.projectId}`);
    assert.deepEqual(
      project.sending.hold_rules.map(({ name, filter }: Json) => [name, filter]),
      [['Alert: Bounces (broadcast)', { stream: ['broadcast'] }]],
    );
    const { body: suppressed } = await api.send('GET', '/v1/suppressions');
    assert.equal(suppressed.data.length, 5);
    assert.equal((await api.send('GET', `/v1/alert-rules/${rule.id}`)).body.firing, 1);
    assert.equal(alerts.alertRoom.watch.firing().get('bounce_rate'), 1);
  });

  test('is known after a restart, and two nodes that look at once tell it once', async () => {
    const other = api.makeAlerts();
    alerts = api.makeAlerts();
    api.advance(MINUTE_MS);
    await Promise.all([alerts.round(), other.round()]);
    assert.equal((await listed()).length, 1);
    assert.equal((await mails()).length, 1);
    assert.equal(api.sinkRequests.length, 1);
  });

  test('resolves when it has been calm for long enough, and is told once more', async () => {
    await minute(6);
    assert.equal((await listed('?state=open')).length, 1, 'it is calm only since now');
    alerts = api.makeAlerts();
    await minute(3);
    const [alert] = await listed('?state=resolved');
    assert.deepEqual([alert.state, alert.resolved_because], ['resolved', 'recovered']);
    assert.deepEqual(await listed('?state=open'), []);
    assert.deepEqual(await mails(), ['[Posthorn] Resolved: Bounces', '[Posthorn] Firing: Bounces']);
    assert.equal(api.sinkRequests.length, 2);
    assert.equal((await eventsOf('alert.resolved')).length, 1);
    await minute();
    assert.equal((await mails()).length, 2);
    assertProblem(await api.send('POST', `/v1/alerts/${alert.id}/acknowledge`), 'conflict');
  });

  test('of a sink that is away is told when it is back, in its order', async () => {
    sinkStatus = 503;
    const patch = { actions: [], to: { emails: [] }, repeat_seconds: 300 };
    await api.send('PATCH', `/v1/alert-rules/${rule.id}`, { body: patch });
    await report('email.bounced', 30, {
      bounce: { type: 'soft', category: 'mailbox_full', scope: 'recipient' },
    });
    await minute();
    const [alert] = await listed('?state=firing');
    assert.deepEqual(alert.notices, { sent: 0, waiting: 1, failed: 0 });
    const { body } = await api.send('GET', `/v1/alerts/${alert.id}`);
    assert.deepEqual([body.history[0].attempts, body.history[0].name], [1, 'On call']);
    assert.match(body.history[0].detail, /503/);
    await minute(6);
    assert.deepEqual(await history(alert.id), ['fired sink waiting'], 'reminders do not pile up');
    await minute(3);
    assert.deepEqual(await history(alert.id), ['fired sink waiting', 'resolved sink waiting']);
    sinkStatus = 200;
    for (let i = 0; i < 10; i++) await minute();
    assert.deepEqual(await history(alert.id), ['fired sink sent', 'resolved sink sent']);
    const told = api.sinkRequests.slice(2).map(({ body: text }) => JSON.parse(text));
    assert.deepEqual(
      told.map(({ type }) => type),
      ['alert.fired', 'alert.resolved'],
    );
  });

  test('is acknowledged by a name, and not told again; snoozed, it is told when that ends', async () => {
    await api.send('PATCH', `/v1/alert-rules/${rule.id}`, {
      body: { to: { sinks: [], emails: ['ops@example.com'] }, min_volume: 1 },
    });
    const before = (await mails()).length;
    await report('email.bounced', 2, {
      bounce: { type: 'soft', category: 'mailbox_full', scope: 'recipient' },
    });
    await api.send('PATCH', `/v1/alert-rules/${rule.id}`, { body: { window_seconds: 7_200 } });
    await minute();
    const [alert] = await listed('?state=firing');
    const path = `/v1/alerts/${alert.id}`;
    const until = new Date(api.now() + 20 * MINUTE_MS).toISOString();
    assertProblem(
      await api.send('POST', `${path}/snooze`, { body: { until: '2020-01-01T00:00:00Z' } }),
      'invalid_field',
    );
    const { body: snoozed } = await api.send('POST', `${path}/snooze`, { body: { until } });
    assert.deepEqual([snoozed.state, snoozed.snoozed_until], ['snoozed', until]);
    await minute(10);
    assert.equal((await mails()).length, before + 1, 'a snoozed one is not repeated');
    await minute(11);
    assert.equal((await mails()).length, before + 2);
    const { body: acknowledged } = await api.send('POST', `${path}/acknowledge`);
    assert.equal(acknowledged.state, 'acknowledged');
    assert.equal(acknowledged.acknowledged_by, 'test');
    await minute(6);
    await minute(6);
    assert.equal((await mails()).length, before + 2);
    assert.deepEqual(
      (await listed('?state=acknowledged')).map(({ id }) => id),
      [alert.id],
    );
    await api.send('PATCH', `/v1/alert-rules/${rule.id}`, { body: { enabled: false } });
    await minute();
    assert.equal((await listed())[0].resolved_because, 'rule_disabled');
  });

  test('shows on its rule what is gone, and on itself who could not be told', async () => {
    const { body: other } = await api.send('POST', '/v1/alert-rules', {
      body: { type: 'complaints', to: { sinks: [sink.id] }, window_seconds: 300 },
    });
    await api.send('DELETE', `/v1/sinks/${sink.id}`);
    const { body: shown } = await api.send('GET', `/v1/alert-rules/${other.id}`);
    assert.deepEqual(shown.problems, [
      { pointer: '/to/sinks/0', detail: `There is no sink ${sink.id}.` },
    ]);
    await report('email.complained', 1);
    await minute();
    const [alert] = await listed(`?rule_id=${other.id}`);
    assert.deepEqual(alert.notices, { sent: 0, waiting: 0, failed: 1 });
    await api.send('DELETE', `/v1/alert-rules/${other.id}`);
    await minute();
    assert.equal((await listed())[0].resolved_because, 'rule_deleted');
  });
});

describe('what a rule does', async () => {
  const api = await startTestApi();
  after(() => api.close());
  const alerts = api.makeAlerts();
  const rule = async (body: Json) => {
    const answer = await api.send('POST', '/v1/alert-rules', { body });
    assert.equal(answer.status, 201, answer.text);
    return answer.body;
  };
  async function minute(): Promise<void> {
    api.advance(MINUTE_MS);
    await alerts.round();
  }
  const details = async (ruleId: string): Promise<string[]> => {
    const { body } = await api.send('GET', `/v1/alerts?rule_id=${ruleId}`);
    const { body: alert } = await api.send('GET', `/v1/alerts/${body.data[0].id}`);
    return alert.history.map(({ detail }: Json) => detail);
  };

  test('disables the endpoint that too much waits for, and no other', async () => {
    const made = async (description: string, types: string[]) =>
      (
        await api.send('POST', '/v1/endpoints', {
          body: { url: 'https://app.example.com/', description, event_types: types },
        })
      ).body.id;
    const slow = await made('Slow', ['email.opened']);
    const fine = await made('Fine', ['email.received']);
    const { id } = await rule({
      type: 'queue_depth',
      threshold: 2,
      resolve_after_seconds: 0,
      actions: [{ type: 'disable_endpoint' }],
    });
    const timestamp = new Date(api.now()).toISOString();
    const events = ['a', 'b', 'c'].map((name) => ({
      type: 'email.opened',
      timestamp,
      data: { provider_event_id: name, recipient: 'a@example.com' },
    }));
    await api.send('POST', '/v1/events', { body: events });
    await minute();
    const statusOf = async (endpoint: string) =>
      (await api.send('GET', `/v1/endpoints/${endpoint}`)).body.status;
    assert.deepEqual([await statusOf(slow), await statusOf(fine)], ['disabled', 'enabled']);
    const [alert] = (await api.send('GET', `/v1/alerts?rule_id=${id}`)).body.data;
    assert.equal(alert.sentence, '3 events wait for Slow; the line is 2.');
    assert.match((await details(id))[0] ?? '', /^The endpoint is disabled/);
    await minute();
    const [over] = (await api.send('GET', `/v1/alerts?rule_id=${id}`)).body.data;
    assert.equal(over.resolved_because, 'recovered');
  });

  test('holds what comes with a key, and says what cannot be done', async () => {
    const { body: key } = await api.send('POST', '/v1/keys', {
      body: { name: 'shop', scopes: ['send'] },
    });
    const { id } = await rule({
      type: 'send_limit',
      actions: [
        { type: 'hold_key', key: key.id },
        { type: 'hold_stream', stream: 'transactional' },
      ],
    });
    const limits = { emails_per_day: 0 };
    await api.send('PATCH', `/v1/projects/${api.projectId}`, { body: { limits } });
    await minute();
    const { body: held } = await api.send('GET', `/v1/keys/${key.id}`);
    assert.equal(held.mode, 'hold');
    const [first, second] = await details(id);
    assert.match(first ?? '', /^Mail of the key shop waits for a person/);
    assert.match(second ?? '', /^Mail of the stream transactional waits by the hold rule/);
    await api.send('DELETE', `/v1/keys/${key.id}`);
    const { body: shown } = await api.send('GET', `/v1/alert-rules/${id}`);
    assert.deepEqual(
      shown.problems.map(({ pointer }: Json) => pointer),
      ['/actions/0/key'],
    );
  });

  test('is told after quiet hours, in its order; what is done is done at once', async () => {
    // It is Saturday afternoon.
    const { id } = await rule({
      type: 'send_limit',
      name: 'Quiet',
      to: { emails: ['night@example.com'] },
      actions: [{ type: 'hold_stream', stream: 'broadcast' }],
      quiet_hours: { time_zone: 'UTC', from: '12:00', to: '20:00' },
    });
    await minute();
    const [alert] = (await api.send('GET', `/v1/alerts?rule_id=${id}`)).body.data;
    const history = async (): Promise<[string, string][]> => {
      const { body } = await api.send('GET', `/v1/alerts/${alert.id}`);
      return body.history.map(({ what, kind, state, due_at: at }: Json) => [
        `${what} ${kind} ${state}`,
        at,
      ]);
    };
    assert.deepEqual(await history(), [
      ['fired action sent', null],
      ['fired email quiet', '2026-11-21T20:00:00.000Z'],
    ]);
    await api.send('PATCH', `/v1/projects/${api.projectId}`, {
      body: { limits: { emails_per_day: null } },
    });
    await minute();
    assert.equal((await history())[2]?.[0], 'resolved email quiet');
    api.advance(4 * 60 * MINUTE_MS);
    await minute();
    await minute();
    const { body: mails } = await api.send('GET', '/v1/messages?recipient=night@example.com');
    assert.deepEqual(
      mails.data.map(({ subject }: Json) => subject),
      ['[Posthorn] Resolved: Quiet', '[Posthorn] Firing: Quiet'],
    );
  });
});

describe('a rule', async () => {
  const api = await startTestApi();
  after(() => api.close());

  test('is refused with every field that is wrong, and why', async () => {
    const answer = await api.send('POST', '/v1/alert-rules', {
      body: {
        type: 'bounce_rate',
        threshold: 5,
        resolve_below: 6,
        window_seconds: 90 * 86_400,
        min_volume: 0,
        scope: { endpoint: 'ep_1', tag: 'a', receiving_domain: 'b.example' },
        quiet_hours: { time_zone: 'Mars/Olympus', from: '22:00', to: '07:00' },
        urgent: true,
        to: { sinks: ['snk_none'] },
        actions: [{ type: 'disable_endpoint' }, { type: 'hold_key', key: 'key_none' }],
      },
    });
    assertProblem(answer, 'invalid_field');
    const pointers = answer.body.errors.map(({ pointer }: Json) => pointer);
    assert.deepEqual(pointers.toSorted(), [
      '/actions/0/type',
      '/actions/1/key',
      '/min_volume',
      '/quiet_hours/time_zone',
      '/resolve_below',
      '/scope/endpoint',
      '/threshold',
      '/to/sinks/0',
      '/urgent',
      '/window_seconds',
    ]);
  });

  test('names what may be meant', async () => {
    const wrong = await api.send('POST', '/v1/alert-rules', { body: { type: 'bounce_rte' } });
    assertProblem(wrong, 'invalid_field');
    assert.match(wrong.body.detail, /Did you mean "bounce_rate"/);
  });

  test('moves its lower line along with its threshold, unless that is named', async () => {
    const { body: made } = await api.send('POST', '/v1/alert-rules', {
      body: { type: 'bounce_rate' },
    });
    const change = async (body: Json) =>
      (await api.send('PATCH', `/v1/alert-rules/${made.id}`, { body })).body;
    assert.deepEqual([made.threshold, made.resolve_below], [0.05, 0.04]);
    assert.equal((await change({ threshold: 0.1 })).resolve_below, 0.08);
    assert.equal((await change({ threshold: 0.2, resolve_below: 0.01 })).resolve_below, 0.01);
    assert.equal((await change({ min_volume: 7 })).resolve_below, 0.01);
    const stale = { headers: { 'if-match': '"1"' }, body: { name: 'mine' } };
    assertProblem(
      await api.send('PATCH', `/v1/alert-rules/${made.id}`, stale),
      'precondition_failed',
    );
  });

  test('says what it would say, and stores nothing', async () => {
    const body = { type: 'queue_lag', to: { emails: ['ops@example.com'] } };
    await api.send('POST', '/v1/endpoints', {
      body: { url: 'https://app.example.com/', description: 'Shop' },
    });
    const before = (await api.send('GET', '/v1/alert-rules')).body.data.length;
    const { body: preview } = await api.send('POST', '/v1/alert-rules/preview', { body });
    assert.match(preview.sentence, /^Fires when an event has been due for 5 minutes or longer/);
    assert.match(preview.fired.text, /has waited 5 minutes for Shop/);
    assert.deepEqual(
      preview.now.map(({ about, value, fires }: Json) => [about.name, value, fires]),
      [['Shop', 0, false]],
    );
    assert.equal((await api.send('GET', '/v1/alert-rules')).body.data.length, before);
  });

  test('of the defaults are taken over with one call, each once', async () => {
    const to = { emails: ['ops@example.com'] };
    const first = await api.send('POST', '/v1/alert-rules/defaults', { body: { to } });
    assert.equal(first.status, 201);
    assert.ok(first.body.data.length > 10);
    for (const { to: told, problems } of first.body.data) {
      assert.deepEqual([told.emails, problems], [to.emails, []]);
    }
    const second = await api.send('POST', '/v1/alert-rules/defaults', { body: { to } });
    assert.deepEqual(
      [second.body.data.length, second.body.skipped.length],
      [0, first.body.data.length],
    );
    const { body: defaults } = await api.send('GET', '/v1/alert-rules/defaults');
    assert.ok(defaults.data.every(({ taken }: Json) => taken));
    const { body: theirs } = await api.send('GET', '/v1/alert-rules', { key: api.otherKey });
    assert.deepEqual(theirs.data, []);
  });

  test('lists alerts by their state', async () => {
    const { body: made } = await api.send('POST', '/v1/alert-rules', {
      body: { type: 'complaints' },
    });
    const id = await fireAlert(api, { ruleId: made.id, name: 'A' });
    const ids = async (state: string) =>
      (await api.send('GET', `/v1/alerts?state=${state}`)).body.data.map((one: Json) => one.id);
    assert.deepEqual([await ids('open'), await ids('firing')], [[id], [id]]);
    assert.deepEqual([await ids('snoozed'), await ids('resolved')], [[], []]);
    assertProblem(await api.send('GET', '/v1/alerts/alt_none'), 'not_found');
  });
});
