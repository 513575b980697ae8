import type { AttemptRecord, OwedDelivery } from '../../../engine.ts';
import { NODE, NOW_MS, type Sandbox } from '../../sandbox.ts';

/** Events of one key, one append each; returns their ids in the order of the log. */
export async function appendLine(
  { log, event, owes }: Sandbox,
  length: number,
  fields: Partial<OwedDelivery> = {},
): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < length; i++) {
    owes({ orderKey: 'k', ...fields });
    const one = event();
    await log.append([one]);
    ids.push(one.event.id);
  }
  return ids;
}

export const claimIds = async (box: Sandbox, fields: Parameters<Sandbox['claim']>[0] = {}) =>
  (await box.engine.claimDeliveries(box.claim(fields))).deliveries.map(({ eventId }) => eventId);

/** What this node does with deliveries of the key `k`, in order. */
export const record = async (
  { engine, attempt }: Sandbox,
  eventIds: readonly (string | undefined)[],
  fields: Partial<AttemptRecord> = {},
) => {
  const made = eventIds.map((id = '') => attempt(id, { orderKey: 'k', ...fields }));
  await Promise.all(made.map(engine.recordAttempt));
};

export const deadAt = (endedAtMs: number) => ({ next: { state: 'dead', endedAtMs } }) as const;
export const retryAt = (dueAtMs: number | null) =>
  ({ next: { state: 'pending', dueAtMs, failures: 1 } }) as const;

/** Where each delivery of the sandbox's endpoint stands: its state, when it is due, who holds it. */
export async function places(
  { store, projectId, endpointId }: Sandbox,
  eventIds: readonly string[],
) {
  const rows = await store.deliveries.ofEvents(projectId, eventIds);
  return eventIds.map((id) => {
    const row = rows.find((one) => one.event_id === id && one.endpoint_id === endpointId);
    return [row?.state, row?.due_at, row?.node];
  });
}

export const DELIVERED = ['delivered', null, null];
export const HELD_HEAD = ['pending', NOW_MS, NODE];
export const HELD = ['pending', null, NODE];
export const IN_LINE = ['pending', null, null];
export const dueAt = (atMs: number) => ['pending', atMs, null];

export const release = (
  { store, projectId, endpointId }: Sandbox,
  given: { due?: string[]; inLine?: string[] },
  nowMs = NOW_MS,
) => {
  const from = { projectId, endpointId, node: NODE, nowMs };
  return store.deliveries.release(from, { due: [], inLine: [], ...given });
};
