import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import { createCounter } from 'posthorn/src/analytics/counter.ts';
import { systemClock } from 'posthorn/src/lib/clock.ts';
import { createExpressionEvaluator } from 'posthorn/src/lib/expression/evaluator.ts';
import { silentLog } from 'posthorn/src/lib/log.ts';
import { createLoopGauge } from 'posthorn/src/lib/loop-gauge.ts';
import { createSecretBox } from 'posthorn/src/lib/secrets/secret-box.ts';
import { createSinkRoom } from 'posthorn/src/sinks/create-sinks.ts';
import { createSinkHttp } from 'posthorn/src/sinks/dialing/sink-http.ts';
import {
  startTestMosquitto,
  withoutMosquitto,
} from 'posthorn/src/sinks/fixtures/servers/mosquitto.ts';
import { startTestNats, withoutNats } from 'posthorn/src/sinks/fixtures/servers/nats.ts';
import { startTestRabbit, withoutRabbit } from 'posthorn/src/sinks/fixtures/servers/rabbitmq.ts';
import { startLastingRedis } from 'posthorn/src/sinks/fixtures/servers/redis.ts';
import { findProgram } from 'posthorn/src/sinks/fixtures/test-server.ts';
import type { Destination } from 'posthorn/src/sinks/fixtures/test-sink-kind.ts';
import { findSinkKind } from 'posthorn/src/sinks/sink-kinds.ts';
import { measureWholeWay } from './dispatch.ts';
import { type BenchEngine, sampleEvent, startBenchEngine } from './engine.ts';
import { type BenchResult, median } from './result.ts';
import { startSink } from './start-sink.ts';

/**
 * How fast each kind of sink goes along the log, against real servers on this machine, as far as they are
 * installed; and the whole way of an event to a webhook endpoint (see dispatch.ts) with three sinks on against
 * none, in turns within one process. Beside it the same with the counter of the analytics on.
 */
const TARGET = 0.85;
const ROUNDS = 5;
const WARM_UP_MS = 1_500;
const ROUND_MS = 3_000;
/** In the log for each kind. */
const EVENTS = 5_000;
const DAY_MS = 86_400_000;
const LOOK_MS = 10;

interface Wanted {
  kind: string;
  settings: object;
  transformation?: string;
}

export async function benchSinks(): Promise<BenchResult> {
  const receiver = await startSink();
  const url = `http://127.0.0.1:${receiver.port}/hook`;
  try {
    const speeds = await measureKinds(url);
    const turns = await measureTurns(url);
    const middle = (pick: (turn: Turn) => number, digits = 3): number =>
      Number(median(turns.map(pick)).toFixed(digits));
    const ratio = middle(({ sinks, plain }) => sinks.perSecond / plain.perSecond);
    return {
      bench: 'sinks',
      ratio,
      target: TARGET,
      pass: ratio >= TARGET,
      ratio_with_analytics: middle(({ analytics, plain }) => analytics.perSecond / plain.perSecond),
      plain_per_second: middle(({ plain }) => plain.perSecond, 0),
      with_sinks_per_second: middle(({ sinks }) => sinks.perSecond, 0),
      sinks_behind_seconds: middle(({ sinks }) => sinks.behindMs / 1_000, 1),
      plain_processor_us: middle(({ plain }) => plain.processorUs, 1),
      with_sinks_processor_us: middle(({ sinks }) => sinks.processorUs, 1),
      with_analytics_processor_us: middle(({ analytics }) => analytics.processorUs, 1),
      plain_main_us: middle(({ plain }) => plain.mainUs, 1),
      with_sinks_main_us: middle(({ sinks }) => sinks.mainUs, 1),
      with_analytics_main_us: middle(({ analytics }) => analytics.mainUs, 1),
      ...speeds,
    };
  } finally {
    receiver.stop();
  }
}

/** The kinds that the three of the comparison are, and one that posts each event by itself. */
function httpSinks(url: string): Record<'list' | 'single' | 'made' | 's3', Wanted> {
  const keys = { access_key_id: 'key', secret_access_key: 'secret' };
  const bucket = { bucket: 'events', region: 'eu-west-1', path_style: true, every_seconds: 1 };
  return {
    list: { kind: 'http', settings: { url, batch: 100 } },
    single: { kind: 'http', settings: { url } },
    made: {
      kind: 'http',
      settings: { url, batch: 100 },
      transformation: '{ "to": data.recipient, "what": type }',
    },
    s3: { kind: 's3', settings: { ...bucket, ...keys, endpoint: new URL(url).origin } },
  };
}

/** Events a second by kind, from the log to the stored place. */
async function measureKinds(url: string): Promise<Record<string, number>> {
  const engine = await startBenchEngine();
  const speeds: Record<string, number> = {};
  async function measure(name: string, wanted: Wanted): Promise<void> {
    const run = await startSinks(engine, [wanted], 0);
    const startedAt = performance.now();
    await run.caughtUp();
    const speed = (EVENTS * 1_000) / (performance.now() - startedAt);
    await run.stop();
    speeds[`${name}_per_second`] = Math.round(speed);
    console.log(`${name}: ${speed.toFixed(0)} events/s`);
  }
  try {
    for (let i = 0; i < EVENTS; i += 500) {
      const some = Array.from({ length: 500 }, () => sampleEvent(engine.ids));
      await engine.log.append(
        some.map((event) => ({ projectId: engine.projectId, event, dedupKey: null })),
      );
    }
    const { list, single, made, s3 } = httpSinks(url);
    await measure('http', single);
    await measure('http_lists_of_100', list);
    await measure('http_lists_of_100_transformed', made);
    await measure('s3', s3);
    for (const [name, without, start] of QUEUES) {
      if (without) {
        console.log(`${name}: not measured. ${without}`);
        continue;
      }
      const { server, settings } = await start();
      await measure(name, { kind: name, settings });
      await server.stop();
    }
    return speeds;
  } finally {
    await engine.close();
  }
}

const withoutRedis = findProgram('redis-server') === undefined && 'redis-server is not installed.';

const QUEUES: readonly (readonly [
  kind: string,
  without: string | false,
  start: () => Promise<Destination>,
])[] = [
  ['redis', withoutRedis, startLastingRedis],
  ['nats', withoutNats, startTestNats],
  ['rabbitmq', withoutRabbit, startTestRabbit],
  ['mqtt', withoutMosquitto, startTestMosquitto],
];

/** What one engine did in a turn. */
interface Way {
  perSecond: number;
  /** Of the whole process for an event, with what went on after the last one was delivered, us. */
  processorUs: number;
  /** Of it, on the main thread. */
  mainUs: number;
  /** How long that went on, ms. */
  behindMs: number;
}

type Turn = Record<'plain' | 'sinks' | 'analytics', Way>;

async function measureWay(
  engine: BenchEngine,
  forMs: number,
  caughtUp: () => Promise<void>,
): Promise<Way> {
  const [whole, main, before] = [process.cpuUsage(), process.threadCpuUsage(), engine.recorded()];
  const perSecond = await measureWholeWay(engine, forMs);
  const doneAt = performance.now();
  await caughtUp();
  const behindMs = performance.now() - doneAt;
  const events = engine.recorded() - before;
  const each = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / events;
  const [processorUs, mainUs] = [each(process.cpuUsage(whole)), each(process.threadCpuUsage(main))];
  return { perSecond, processorUs, mainUs, behindMs };
}

async function measureTurns(url: string): Promise<Turn[]> {
  const [plain, sunk, counted] = [
    await startBenchEngine(),
    await startBenchEngine(),
    await startBenchEngine(),
  ];
  for (const one of [plain, sunk, counted]) await one.addEndpoint(url);
  const { list, made, s3 } = httpSinks(url);
  const run = await startSinks(sunk, [list, made, s3], await sunk.store.feed.end());
  const counter = startCounter(counted);
  const ways: [keyof Turn, BenchEngine, () => Promise<void>][] = [
    ['plain', plain, async () => {}],
    ['sinks', run.engine, run.caughtUp],
    ['analytics', counted, counter.caughtUp],
  ];
  const turns: Turn[] = [];
  async function turn(forMs: number): Promise<Turn> {
    const one: Partial<Turn> = {};
    // None is always the first after the pause.
    const first = turns.length % ways.length;
    for (const [name, engine, caughtUp] of [...ways.slice(first), ...ways.slice(0, first)]) {
      one[name] = await measureWay(engine, forMs, caughtUp);
    }
    return one as Turn;
  }
  try {
    await turn(WARM_UP_MS);
    for (let round = 1; round <= ROUNDS; round++) {
      const one = await turn(ROUND_MS);
      turns.push(one);
      console.log(`round ${round}: ${ways.map(([name]) => describe(name, one)).join('; ')}`);
    }
    return turns;
  } finally {
    await run.stop();
    await counter.stop();
    for (const one of [plain, sunk, counted]) await one.close();
  }
}

function describe(name: keyof Turn, turn: Turn): string {
  const { perSecond, processorUs, mainUs, behindMs } = turn[name];
  const ratio = (perSecond / turn.plain.perSecond).toFixed(3);
  return `${name} ${perSecond.toFixed(0)}/s (${ratio}), ${processorUs.toFixed(0)} us of the processor each, ${mainUs.toFixed(0)} on the main thread, ${(behindMs / 1_000).toFixed(1)} s behind`;
}

/** Sinks of the first project, from this place in the log on; `engine` tells them what is appended. */
async function startSinks(engine: BenchEngine, wanted: readonly Wanted[], afterPosition: number) {
  const { store, projectId, ids } = engine;
  const http = createSinkHttp({ guard: { refuse: () => null }, lookup });
  const evaluator = createExpressionEvaluator();
  const room = createSinkRoom({
    sinks: store.sinks,
    places: store.sinkPlaces,
    feed: store.feed,
    surroundings: {
      http,
      addressOf: async () => '127.0.0.1',
      mail: async () => {},
      clock: systemClock,
    },
    compile: (expression) => (json) => evaluator.evaluateText(expression, json),
    secretBox: createSecretBox(randomBytes(32)),
    contextOf: ({ id }) => id,
    projectExists: () => true,
    retentionMs: () => 30 * DAY_MS,
    isPressed: createLoopGauge(),
    clock: systemClock,
    random: Math.random,
    log: silentLog,
  });
  const records = wanted.map(({ kind, settings, transformation = null }) => {
    const id = ids.next('sink');
    const parsed = findSinkKind(kind)?.settings.parse(settings) as Record<string, unknown>;
    const nowMs = Date.now();
    return {
      ...{ projectId, id, name: kind, kind, settings: parsed, transformation },
      secretsSealed: room.seal({ projectId, id }, {}),
      ...{ eventTypes: ['*'], filter: null, isPaused: false },
      ...{ version: 1, createdAtMs: nowMs, updatedAtMs: nowMs },
    };
  });
  for (const record of records) await store.sinks.insert(record, afterPosition, []);
  await room.start((_, duty) => {
    duty.begin();
    return () => duty.end();
  });
  const told: BenchEngine = {
    ...engine,
    log: {
      async append(events, beside) {
        const appended = await engine.log.append(events, beside);
        room.announce([projectId]);
        return appended;
      },
    },
  };
  return {
    engine: told,
    async caughtUp(): Promise<void> {
      const end = await store.feed.end();
      for (const { id } of records) {
        await until(async () => {
          const place = await store.sinkPlaces.get({ projectId, id, lane: 'live' });
          if (place?.lastError) throw new Error(`${id}: ${place.lastError.detail}`);
          return place !== null && place.position >= end;
        });
      }
    },
    async stop(): Promise<void> {
      await room.stop();
      for (const record of records) await store.sinks.remove(record, Date.now());
      evaluator.close();
      await http.close();
    },
  };
}

/** Counts as the duty of a node does (assembly/take-duties.ts). */
function startCounter({ store }: BenchEngine) {
  const counter = createCounter({
    places: store.statsPlaces,
    feed: store.feed,
    projectExists: () => true,
    retentionMs: () => 30 * DAY_MS,
    clock: systemClock,
  });
  let isOver = false;
  const over = (async () => {
    while (!isOver) {
      const waitMs = await counter.step();
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  })();
  return {
    async caughtUp(): Promise<void> {
      const end = await store.feed.end();
      await until(async () =>
        (await store.statsPlaces.all()).some(({ position }) => position >= end),
      );
    },
    async stop(): Promise<void> {
      isOver = true;
      await over;
    },
  };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}
