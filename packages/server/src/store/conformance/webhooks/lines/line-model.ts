import type { Urgency } from '../../../../core/events/urgency.ts';

/** A delivery as the model has it; the list of all is in the order of the log. */
export interface ModelDelivery {
  id: string;
  key: string | null;
  urgency: Urgency;
  state: 'pending' | 'delivered' | 'dead' | 'skipped' | 'canceled';
  node: string | null;
  dueAtMs: number | null;
  attempts: number;
}

/** What the store must do with the deliveries of one endpoint, in the plainest words. */
export interface LineModel {
  all: readonly ModelDelivery[];
  append(delivery: Pick<ModelDelivery, 'id' | 'key' | 'urgency'>, dueAtMs: number): void;
  appendSkipped(delivery: Pick<ModelDelivery, 'id' | 'key' | 'urgency'>): void;
  claim(input: { urgency: Urgency; nowMs: number; limit: number; node: string }): {
    ids: string[];
    nextDueAtMs: number | null;
  };
  /** An attempt; `dueAtMs` is when the node wants to try again, where the delivery has not ended. */
  record(id: string, state: ModelDelivery['state'], dueAtMs: number | null, nowMs: number): void;
  release(ids: readonly string[], nowMs: number): void;
  requeue(id: string, nowMs: number): void;
  /** As requeue, for many at once; those that want order stand in line again. */
  replay(ids: readonly string[], nowMs: number): void;
  cancelWaiting(): void;
  heldBy(node: string): string[];
}

export function createLineModel(): LineModel {
  const all: ModelDelivery[] = [];
  const find = (id: string): ModelDelivery => {
    const found = all.find((one) => one.id === id);
    if (found === undefined) throw new Error(`The model has no ${id}.`);
    return found;
  };
  /** What has not ended of a key, in order; a delivery without a key is a line of its own. */
  const lineOf = (one: ModelDelivery): ModelDelivery[] =>
    one.key === null ? [one] : all.filter((x) => x.key === one.key && x.state === 'pending');
  const isFirst = (one: ModelDelivery): boolean => lineOf(one)[0] === one;
  const isFree = (one: ModelDelivery): boolean => one.state === 'pending' && one.node === null;

  function claimable(urgency: Urgency): (ModelDelivery & { dueAtMs: number })[] {
    const due = all.filter(
      (one): one is ModelDelivery & { dueAtMs: number } =>
        isFree(one) && one.urgency === urgency && one.dueAtMs !== null,
    );
    return due.sort((a, b) => a.dueAtMs - b.dueAtMs || (a.id < b.id ? -1 : 1));
  }

  function freeRunFrom(first: ModelDelivery): ModelDelivery[] {
    const line = lineOf(first);
    const held = line.findIndex((one) => one.node !== null);
    return held === -1 ? line : line.slice(0, held);
  }

  function end(one: ModelDelivery, state: ModelDelivery['state'], nowMs: number): void {
    const line = lineOf(one);
    Object.assign(one, { state, node: null, dueAtMs: null });
    const [next] = line.filter((x) => x !== one);
    if (next !== undefined && next.node === null) next.dueAtMs ??= nowMs;
  }

  return {
    all,
    append(delivery, dueAtMs) {
      const one = {
        ...delivery,
        state: 'pending',
        node: null,
        dueAtMs: null,
        attempts: 0,
      } as const;
      all.push(one);
      const added = find(one.id);
      if (isFirst(added)) added.dueAtMs = dueAtMs;
    },
    appendSkipped(delivery) {
      all.push({ ...delivery, state: 'skipped', node: null, dueAtMs: null, attempts: 0 });
    },
    claim({ urgency, nowMs, limit, node }) {
      const ids: string[] = [];
      for (const first of claimable(urgency)) {
        if (first.dueAtMs > nowMs) break;
        const run = freeRunFrom(first).slice(0, limit - ids.length);
        for (const one of run) one.node = node;
        ids.push(...run.map(({ id }) => id));
      }
      return { ids, nextDueAtMs: claimable(urgency)[0]?.dueAtMs ?? null };
    },
    record(id, state, dueAtMs, nowMs) {
      const one = find(id);
      one.attempts += 1;
      if (state !== 'pending') end(one, state, nowMs);
      else Object.assign(one, { node: null, dueAtMs: isFirst(one) ? (dueAtMs ?? nowMs) : null });
    },
    release(ids, nowMs) {
      for (const id of ids) {
        const one = find(id);
        Object.assign(one, { node: null, dueAtMs: isFirst(one) ? nowMs : null });
      }
    },
    requeue(id, nowMs) {
      const one = find(id);
      if (one.state !== 'pending')
        Object.assign(one, { state: 'pending', key: null, dueAtMs: nowMs });
      else if (one.dueAtMs !== null) one.dueAtMs = nowMs;
    },
    replay(ids, nowMs) {
      const again = ids.map(find);
      for (const one of again) Object.assign(one, { state: 'pending', dueAtMs: null });
      for (const one of again.flatMap(lineOf)) {
        if (one.node === null) one.dueAtMs = isFirst(one) ? (one.dueAtMs ?? nowMs) : null;
      }
    },
    cancelWaiting() {
      for (const one of all) {
        if (isFree(one)) Object.assign(one, { state: 'canceled', dueAtMs: null });
      }
    },
    heldBy: (node) => all.filter((one) => one.node === node).map(({ id }) => id),
  };
}
