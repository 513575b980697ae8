import { type CanonicalEvent, encodeSecret } from '@posthorn/sdk';
import type { NewEvent } from '../../store/log/event-log.ts';
import type { EndpointRecord } from '../../store/webhooks/endpoints.ts';
import type { Action, PlannedEvent } from './plan/draw-actions.ts';
import type { Plan } from './plan/draw-plan.ts';
import type { RunningProcess } from './start-process.ts';
import type { ModelStore } from './store/model-store.ts';
import type { Verdict } from './watch/verdict.ts';
import { BY_HAND } from './watch/watcher.ts';
import type { Trace } from './world/trace.ts';
import type { VirtualTime } from './world/virtual-time.ts';

/** Does what people and sources do, through the process that runs. What is refused is given up. */
export interface Actor {
  act(action: Action, running: RunningProcess): void;
  /** Calls to that process that are not answered yet. */
  waitingFor(running: RunningProcess): number;
}

const SECRET = encodeSecret(Buffer.alloc(32, 7));

export function createActor(options: {
  plan: Plan;
  time: VirtualTime;
  store: ModelStore;
  verdict: Verdict;
  trace: Trace;
}): Actor {
  const { plan, time, store, verdict, trace } = options;
  const waiting = new WeakMap<RunningProcess, number>();
  let made = 0;

  const waitingFor = (running: RunningProcess): number => waiting.get(running) ?? 0;

  function note(
    call: Promise<unknown>,
    running: RunningProcess,
    feat: Parameters<Verdict['count']>[0] | null,
  ): void {
    const count = (by: number) => waiting.set(running, waitingFor(running) + by);
    count(1);
    call.then(
      () => {
        count(-1);
        if (feat !== null) verdict.count(feat);
      },
      () => count(-1),
    );
  }

  function find(index: number, { directory }: RunningProcess): EndpointRecord | null {
    for (const { record } of directory.all()) {
      if (new URL(record.url).pathname.startsWith(`/ep${index}-`)) return record;
    }
    return null;
  }

  function append(events: readonly NewEvent[], running: RunningProcess): void {
    const appended = running.eventLog.append(events);
    appended.catch(() => verdict.count('refused append'));
    note(appended, running, null);
  }

  function create(index: number, running: RunningProcess): void {
    const planned = plan.endpoints[index];
    if (planned === undefined || find(index, running) !== null) return;
    made += 1;
    const nowMs = time.wallMs();
    const { projectId, url, eventTypes, settings } = planned;
    const fields = {
      projectId,
      eventTypes,
      settings,
      id: running.ids.next('endpoint'),
      uid: null,
      url: `${url}-${made}`,
      description: '',
      metadata: {},
      status: 'enabled' as const,
      disabledReason: null,
      version: 1,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      failingSinceMs: null,
      warnedPercent: 0,
    };
    trace.call(fields.id, `ep${index}`);
    const key = {
      id: 'sgk_1',
      kind: 'v1' as const,
      secret: SECRET,
      createdAtMs: nowMs,
      expiresAtMs: null,
    };
    const secrets = { keys: [key], headers: {}, clientKey: null };
    note(running.directory.create(fields, secrets, []), running, null);
  }

  function update(
    index: number,
    running: RunningProcess,
    feat: Parameters<Verdict['count']>[0],
    change: (record: EndpointRecord) => Partial<EndpointRecord>,
  ): void {
    const record = find(index, running);
    if (record === null) return;
    const changed = {
      ...record,
      ...change(record),
      version: record.version + 1,
      updatedAtMs: time.wallMs(),
    };
    note(running.directory.update(record, changed), running, feat);
  }

  function requeue(lot: number, running: RunningProcess): void {
    const { directory, dispatcher } = running;
    const all = [...store.deliveries()];
    const key = all[Math.floor(lot * all.length)];
    if (key === undefined || directory.find(key.projectId, key.endpointId) === null) return;
    const nowMs = time.wallMs();
    const due = running.store.deliveries
      .requeue(key, nowMs, [])
      .then(() => dispatcher.wake(key.projectId, key.endpointId, nowMs));
    note(due, running, 'requeue');
  }

  function toEvent(projectId: string, planned: PlannedEvent, running: RunningProcess): NewEvent {
    const { message, recipient, link, type } = planned;
    const data: CanonicalEvent['data'] = {
      recipient: `r${recipient}@example.com`,
      message: { id: `msg_${projectId}_${message}` },
      tags: [projectId, 'bücher'],
    };
    if (type === 'email.clicked') data.engagement = { url: `https://example.com/${link}` };
    const timestamp = new Date(time.wallMs()).toISOString();
    const event = { id: running.ids.next('event'), type, timestamp, data };
    return { projectId, event, dedupKey: planned.dedupKey };
  }

  function test(index: number, running: RunningProcess): void {
    const record = find(index, running);
    if (record === null) return;
    const { projectId, id } = record;
    const timestamp = new Date(time.wallMs()).toISOString();
    const event = {
      id: running.ids.next('event'),
      type: 'system.test',
      timestamp,
      data: {},
    } as const;
    append([{ projectId, event, dedupKey: null, onlyTo: id }], running);
  }

  function remove(index: number, running: RunningProcess): void {
    const record = find(index, running);
    if (record === null) return;
    const removed = running.directory.remove(record.projectId, record.id, time.wallMs());
    note(removed, running, 'endpoint deleted');
  }

  return {
    act(action, running) {
      switch (action.kind) {
        case 'append': {
          const { projectId } = action;
          const events = action.events.map((planned) => toEvent(projectId, planned, running));
          if (action.isOneCommit) return append(events, running);
          for (const event of events) append([event], running);
          return;
        }
        case 'test':
          return test(action.endpoint, running);
        case 'create':
          return create(action.endpoint, running);
        case 'delete':
          return remove(action.endpoint, running);
        case 'disable':
          return update(action.endpoint, running, 'endpoint disabled by hand', () => ({
            status: 'disabled',
            disabledReason: BY_HAND,
          }));
        case 'enable':
          return update(action.endpoint, running, 'endpoint enabled', () => ({
            status: 'enabled',
            disabledReason: null,
          }));
        case 'move':
          return update(action.endpoint, running, 'endpoint moved', ({ url }) => ({
            url: `https://s${action.site}.example.com${new URL(url).pathname}`,
          }));
        case 'change':
          return update(action.endpoint, running, 'endpoint changed', () => ({
            settings: action.settings,
          }));
        case 'requeue':
          return requeue(action.lot, running);
      }
    },
    waitingFor,
  };
}
