import { createIds, type Ids } from '../../core/ids.ts';
import { silentLog } from '../../lib/log.ts';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';
import { createEventLog, type EventLog, type Subscribers } from '../../store/log/event-log.ts';
import { createDispatcher, type Dispatcher } from '../dispatcher.ts';
import {
  createEndpointDirectory,
  type EndpointDirectory,
} from '../endpoints/endpoint-directory.ts';
import { createPoster } from '../poster/poster.ts';
import { createReporter } from '../reporter.ts';
import type { Plan } from './plan/draw-plan.ts';
import type { Random } from './random.ts';
import type { BareStore } from './store/bare-store.ts';
import { createProcessStore, type ProcessStore } from './store/process-store.ts';
import type { Watcher } from './watch/watcher.ts';
import type { Trace } from './world/trace.ts';
import { createVirtualDisk, type VirtualDisk } from './world/virtual-disk.ts';
import type { VirtualNetwork } from './world/virtual-network.ts';
import { createProcessClock, type Process, type VirtualTime } from './world/virtual-time.ts';

/** What all processes of a run share: what is there when they are gone. */
export interface World {
  plan: Plan;
  time: VirtualTime;
  random: Random;
  store: BareStore;
  network: VirtualNetwork;
  watcher: Watcher;
  secretBox: SecretBox;
  trace: Trace;
}

export interface RunningProcess {
  process: Process;
  disk: VirtualDisk;
  store: ProcessStore;
  directory: EndpointDirectory;
  dispatcher: Dispatcher;
  eventLog: EventLog;
  ids: Ids;
  /** Stops in good order. */
  stop(graceMs: number): Promise<void>;
  /** Is no more, from one step to the next. */
  crash(): Promise<void>;
}

const RETENTION_MS = 30 * 86_400_000;

/** Starts the engine as main.ts does. `number`: how many there were before. */
export async function startProcess(world: World, number: number): Promise<RunningProcess> {
  const { plan, time, watcher, trace } = world;
  const random = world.random.fork(`process ${number}`);
  const ids = createIds({ now: time.wallMs, randomBytes: random.bytes });
  const process: Process = { name: `p${number}`, node: ids.next('node'), alive: true };
  const clock = createProcessClock(time, process);
  const disk = createVirtualDisk({
    time,
    random: random.fork('disk'),
    plan: plan.disk,
    process,
    trace,
    faults: plan.faults,
  });
  const { released } = await world.store.releaseLeases({
    exceptNode: process.node,
    nowMs: time.wallMs(),
  });
  trace(`${process.name} starts; ${released} deliveries are released`);
  const store = createProcessStore({ bare: world.store, disk, watcher, trace });
  const directory = createEndpointDirectory({
    endpoints: store.endpoints,
    secretBox: world.secretBox,
    defaults: { ...plan.defaults, sender: { host: 'sim.test', publicUrl: null } },
  });
  await directory.load();
  watcher.processStarted(directory);
  const dispatcher = createDispatcher({
    engine: store.engine,
    deliveries: store.deliveries,
    directory,
    poster: createPoster(world.network.clientFor(process)),
    clock,
    random: random.fork('dispatcher').next,
    ids,
    log: silentLog,
    node: process.node,
    concurrency: plan.concurrency,
    memoryLimit: plan.memoryLimit,
    retentionMs: () => RETENTION_MS,
    report: (report) => reporter.report(report),
  });
  const eventLog = createEventLog({
    engine: store.engine,
    subscribers: watchOwed(dispatcher, watcher),
    now: time.wallMs,
    retentionMs: () => RETENTION_MS,
  });
  const reporter = createReporter({ eventLog, ids, clock, log: silentLog, notify: async () => {} });
  dispatcher.start();
  for (const gone of await world.store.deletedEndpoints()) {
    void dispatcher.cancelFor(gone.projectId, gone.id);
  }

  return {
    process,
    disk,
    store,
    directory,
    dispatcher,
    eventLog,
    ids,
    async stop(graceMs) {
      trace(`${process.name} stops`);
      await dispatcher.stop(graceMs);
      reporter.stop();
      trace(`${process.name} has stopped`);
    },
    async crash() {
      trace(`${process.name} crashes`);
      process.alive = false;
      await disk.crash();
    },
  };
}

/** Holds what the dispatcher says that it owes against what the endpoints asked for. */
function watchOwed(dispatcher: Dispatcher, watcher: Watcher): Subscribers {
  return {
    ...dispatcher,
    owedFor(projectId, event, nowMs, onlyTo) {
      const owed = dispatcher.owedFor(projectId, event, nowMs, onlyTo);
      watcher.owes(projectId, event, owed, onlyTo);
      return owed;
    },
  };
}
