import { isDeepStrictEqual } from 'node:util';
import type { AppendedEvent, Engine } from '../../../store/engine.ts';
import { newProject } from '../../../store/projects.ts';
import { createStore, type Store } from '../../../store/store.ts';
import { PROJECTS } from '../plan/draw-plan.ts';
import type { BareStore, StoredDelivery } from './bare-store.ts';
import type { ModelStore } from './model-store.ts';

/**
 * A real engine, and the model beside it: every call goes to both, and what they answer must be the
 * same. So the model is no fiction, and a run on a database is watched as one on the model is.
 */
export async function openEngineTwin(
  model: ModelStore,
  options: {
    /** Opens the same database each time. Its own faults and timers are not asked for. */
    openEngine: () => Promise<Engine>;
    fail: (problem: string) => void;
  },
): Promise<BareStore> {
  const open = async (): Promise<Store> => createStore(await options.openEngine());
  let store = await open();
  for (const id of PROJECTS) await store.projects.insert(newProject(id, id, 0), []);

  async function both<T>(
    what: string,
    ask: (store: Store) => Promise<T>,
    askModel: () => T | Promise<T>,
  ): Promise<T> {
    const real = await settle(() => ask(store));
    const expected = await settle(askModel);
    if (!isDeepStrictEqual(real.outcome, expected.outcome)) {
      const [told, wanted] = [real, expected].map(({ outcome }) => JSON.stringify(outcome));
      options.fail(`The engine answers ${what} with ${told}, the model with ${wanted}.`);
    }
    return real.give();
  }

  async function compareRows(): Promise<void> {
    const rows = await store.engine.db.selectFrom('deliveries').selectAll().execute();
    const real = rows.map((row) => ({
      projectId: row.project_id,
      eventId: row.event_id,
      endpointId: row.endpoint_id,
      state: row.state,
      urgency: row.urgency,
      attempts: row.attempts,
      failures: row.failures,
      dueAtMs: row.due_at,
      node: row.node,
      orderKey: row.order_key,
    }));
    const expected = [...model.deliveries()].map(({ position: _position, ...row }) => row);
    for (const [told, wanted] of zip(real, expected)) {
      if (isDeepStrictEqual(told, wanted)) continue;
      const pair = [told, wanted].map((row) => JSON.stringify(row));
      options.fail(`The engine has ${pair[0]}, the model ${pair[1]}.`);
    }
  }

  return {
    append: (events) =>
      both(
        'append',
        async ({ engine }) => withoutGaps(await engine.commit({ events, statements: [] })),
        async () => withoutGaps(await model.append(events)),
      ),
    recordAttempt: (attempt) =>
      both(
        'recordAttempt',
        ({ engine }) => engine.recordAttempt(attempt),
        () => model.recordAttempt(attempt),
      ),
    claimDeliveries: (claim) =>
      both(
        'claimDeliveries',
        async ({ engine }) => toPlain(await engine.claimDeliveries(claim)),
        () => model.claimDeliveries(claim),
      ),
    releaseLeases: (input) =>
      both(
        'releaseLeases',
        ({ engine }) => engine.releaseLeases(input),
        () => model.releaseLeases(input),
      ),
    release: (from, given) =>
      both(
        'release',
        ({ deliveries }) => deliveries.release(from, given),
        () => model.release(from, given),
      ),
    cancelWaiting: (...input) =>
      both(
        'cancelWaiting',
        ({ deliveries }) => deliveries.cancelWaiting(...input),
        () => model.cancelWaiting(...input),
      ),
    requeue: (key, nowMs) =>
      both(
        'requeue',
        ({ deliveries }) => deliveries.requeue(key, nowMs, []),
        () => model.requeue(key, nowMs),
      ),
    allEndpoints: () => both('all', allEndpoints, async () => byId(await model.allEndpoints())),
    insertEndpoint: (endpoint) =>
      both(
        'insert',
        ({ endpoints }) => endpoints.insert(endpoint, []),
        () => model.insertEndpoint(endpoint),
      ),
    updateEndpoint: (before, endpoint) =>
      both(
        'update',
        ({ endpoints }) => endpoints.update(before, endpoint),
        () => model.updateEndpoint(before, endpoint),
      ),
    noteHealth: (endpoint) =>
      both(
        'noteHealth',
        ({ endpoints }) => endpoints.noteHealth(endpoint),
        () => model.noteHealth(endpoint),
      ),
    removeEndpoint: (...input) =>
      both(
        'remove',
        ({ endpoints }) => endpoints.remove(...input),
        () => model.removeEndpoint(...input),
      ),
    deletedEndpoints: () =>
      both(
        'deleted',
        async ({ endpoints }) => byId(toPlain(await endpoints.deleted())),
        async () => byId(await model.deletedEndpoints()),
      ),
    async restart() {
      await store.engine.close();
      store = await open();
      await compareRows();
    },
    async close() {
      await compareRows();
      await store.engine.close();
    },
  };
}

const allEndpoints = async ({ endpoints }: Store) => byId(await endpoints.all());

function byId<T extends { id: string }>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** An engine may leave places empty, and the model does not. */
function withoutGaps(appended: readonly AppendedEvent[]): AppendedEvent[] {
  return appended.map((one) => ({ ...one, place: one.place === null ? null : 0 }));
}

/** Rows come from a thread without a prototype. */
function toPlain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

/** An answer, or which error, so that two can be compared. */
async function settle<T>(ask: () => T | Promise<T>): Promise<{ outcome: unknown; give: () => T }> {
  try {
    const value = await ask();
    return { outcome: value, give: () => value };
  } catch (error) {
    const give = (): never => {
      throw error;
    };
    return { outcome: error instanceof Error ? error.name : error, give };
  }
}

type Row = Omit<StoredDelivery, 'position'>;

/** Rows of the same key together; one side may lack it. */
function zip(real: readonly Row[], expected: readonly Row[]): [Row | null, Row | null][] {
  const keyOf = (row: Row): string => `${row.eventId}/${row.endpointId}`;
  const reals = new Map(real.map((row) => [keyOf(row), row]));
  const wanted = new Map(expected.map((row) => [keyOf(row), row]));
  return [...new Set([...reals.keys(), ...wanted.keys()])].map((key) => [
    reals.get(key) ?? null,
    wanted.get(key) ?? null,
  ]);
}
