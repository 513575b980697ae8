import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertReading, AlertScope } from '../core/alerts/alert-rule.ts';
import type { AlertType } from '../core/alerts/alert-types.ts';
import { NO_ACTIVITY } from '../core/source.ts';
import {
  readDomains,
  readFailing,
  readLimits,
  readMailQueue,
  readQueue,
  readRefused,
  readSinks,
  readSources,
} from './read-states.ts';
import type { AlertSight, WatchedEndpoint } from './sight.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 10, 30);
const MINUTE_MS = 60_000;

const ruleOf = (type: AlertType, threshold: number | null, scope: AlertScope = {}) => {
  return { projectId: 'prj_1', type, scope, threshold, windowMs: null, minVolume: null };
};

const endpointOf = (id: string, fields: Partial<WatchedEndpoint> = {}): WatchedEndpoint => ({
  projectId: 'prj_1',
  id,
  url: `https://${id}.example.com/`,
  description: '',
  status: 'enabled',
  disabledReason: null,
  failingSinceMs: null,
  ...fields,
});

const depthOf = (endpointId: string, due: number, dueSinceMs: number | null) => {
  return { endpointId, due, scheduled: 2, inLine: 3, inMemory: 4, dueSinceMs };
};

const values = (readings: readonly AlertReading[]) =>
  readings.map(({ subject, value }) => [subject?.id, value]);

test('a queue is all that waits, and its lag how long the first has been due', () => {
  const endpoints = [
    endpointOf('a'),
    endpointOf('b'),
    endpointOf('off', { status: 'disabled' }),
    endpointOf('theirs', { projectId: 'prj_2' }),
  ];
  const depths = [
    depthOf('a', 10, NOW_MS - 90_000),
    depthOf('off', 500, 0),
    depthOf('theirs', 500, 0),
  ];
  const read = (type: AlertType, scope?: AlertScope) =>
    values(readQueue(ruleOf(type, 5, scope), endpoints, depths, NOW_MS));
  assert.deepEqual(read('queue_depth'), [
    ['a', 19],
    ['b', 0],
    ['off', 0],
  ]);
  assert.deepEqual(read('queue_lag', { endpoint: 'a' }), [['a', 90]]);
});

test('an endpoint that we gave up still fails, one that a person disabled does not', () => {
  const failingSinceMs = NOW_MS - 10 * MINUTE_MS;
  const endpoints = [
    endpointOf('works'),
    endpointOf('fails', { failingSinceMs }),
    endpointOf('given-up', { failingSinceMs, status: 'disabled', disabledReason: 'It failed' }),
    endpointOf('off', { failingSinceMs, status: 'disabled' }),
  ];
  assert.deepEqual(values(readFailing(ruleOf('endpoint_failing', 60), endpoints, NOW_MS)), [
    ['works', 0],
    ['fails', 600],
    ['given-up', 600],
    ['off', 0],
  ]);
});

test('a source is silent by its own past, or by what the rule says', async () => {
  const source = (id: string) => ({
    id,
    name: id,
    projectId: 'prj_1',
    createdAtMs: 0,
    settings: {},
  });
  const heardAtMs = NOW_MS - 60 * MINUTE_MS;
  const activities = new Map([
    ['talks', { ...NO_ACTIVITY, lastEventAtMs: NOW_MS - MINUTE_MS }],
    ['stalled', { ...NO_ACTIVITY, lastEventAtMs: heardAtMs, stalledSinceMs: heardAtMs }],
    ['back', { ...NO_ACTIVITY, lastEventAtMs: NOW_MS, stalledSinceMs: heardAtMs }],
  ]);
  const sight = {
    sources: { all: async () => ['talks', 'stalled', 'back'].map(source) },
    sourceActivities: { of: async () => activities },
  } as unknown as AlertSight;
  const read = async (threshold: number | null, awakeMs: number) => {
    const at = { nowMs: NOW_MS, awakeSinceMs: NOW_MS - awakeMs };
    return values(await readSources(sight, ruleOf('source_silent', threshold), at));
  };
  assert.deepEqual(await read(null, 0), [
    ['talks', 0],
    ['stalled', 3_600],
    ['back', 0],
  ]);
  assert.deepEqual(await read(600, 10 * MINUTE_MS), [
    ['talks', 60],
    ['stalled', 3_600],
    ['back', 0],
  ]);
  // While nobody listened, nobody was silent.
  assert.deepEqual((await read(600, MINUTE_MS))[1], ['stalled', 60]);
});

test('a sink fails as long as its live lane does, unless it is paused', async () => {
  const sink = (id: string, isPaused = false) => ({ id, name: id, projectId: 'prj_1', isPaused });
  const failing = { failingSinceMs: NOW_MS - MINUTE_MS };
  const sight = {
    sinks: { all: async () => [sink('ok'), sink('fails'), sink('paused', true)] },
    sinkPlaces: {
      of: async () => [
        { id: 'fails', lane: 'live', place: failing },
        { id: 'ok', lane: 'live', place: { failingSinceMs: null } },
        { id: 'ok', lane: 'backfill', place: failing },
        { id: 'paused', lane: 'live', place: failing },
      ],
    },
  } as unknown as AlertSight;
  assert.deepEqual(values(await readSinks(sight, ruleOf('sink_failing', 60), NOW_MS)), [
    ['ok', 0],
    ['fails', 60],
    ['paused', 0],
  ]);
});

test('the mail queue is that of the project, and nothing waits where there is none', () => {
  const depths = [
    { projectId: 'prj_2', waiting: 900, dueSinceMs: 0 },
    { projectId: 'prj_1', waiting: 7, dueSinceMs: NOW_MS - MINUTE_MS },
  ];
  const read = (type: AlertType, of = depths) => readMailQueue(ruleOf(type, 5), of, NOW_MS).value;
  assert.deepEqual([read('mail_queue_depth'), read('mail_queue_lag')], [7, 60]);
  assert.deepEqual([read('mail_queue_depth', []), read('mail_queue_lag', [])], [0, 0]);
});

test('what a sink refused in the window is counted, of each sink', async () => {
  const asked: unknown[] = [];
  const sink = (id: string, projectId = 'prj_1') => ({ id, name: id, projectId });
  const sight = {
    sinks: { all: async () => [sink('crm'), sink('theirs', 'prj_2'), sink('queue')] },
    sinkPlaces: {
      async refusedSince(query: { sinkId: string }) {
        asked.push(query);
        return query.sinkId === 'crm' ? 17 : 0;
      },
    },
  } as unknown as AlertSight;
  const rule = { ...ruleOf('sink_refusing', 1), windowMs: 10 * MINUTE_MS };
  assert.deepEqual(values(await readRefused(sight, rule, NOW_MS)), [
    ['crm', 17],
    ['queue', 0],
  ]);
  const sinceMs = NOW_MS - 10 * MINUTE_MS;
  assert.deepEqual(asked[0], { projectId: 'prj_1', sinkId: 'crm', sinceMs, limit: 10_000 });
});

test('of limits those that there are', async () => {
  const asked: unknown[] = [];
  const sight: Pick<AlertSight, 'sendWindows' | 'project'> = {
    sendWindows: {
      async used(window) {
        asked.push(window);
        return 450;
      },
    },
    project: () => ({ name: 'p', createdAtMs: 0, emailsPerHour: 500, emailsPerDay: null }),
  };
  const readings = await readLimits(sight, ruleOf('send_limit', 0.9), NOW_MS);
  assert.deepEqual(values(readings), [['hour', 0.9]]);
  const startMs = Date.UTC(2026, 10, 22, 10);
  assert.deepEqual(asked, [{ projectId: 'prj_1', period: 'hour', startMs }]);
});

test('of a domain that is verified, the records that it needs', () => {
  const record = (required: boolean, status: string) => ({ required, status });
  const records = [
    record(true, 'missing'),
    record(true, 'wrong'),
    record(true, 'unknown'),
    record(true, 'ok'),
    record(false, 'missing'),
  ];
  const domain = (name: string, verifiedAtMs: number | null) => {
    return { projectId: 'prj_1', name, verifiedAtMs, check: { records } };
  };
  const domains = [domain('a.example', 1), domain('new.example', null)];
  const read = readDomains(ruleOf('domain_dns', 1), domains as never);
  assert.deepEqual(values(read), [['a.example', 2]]);
});
