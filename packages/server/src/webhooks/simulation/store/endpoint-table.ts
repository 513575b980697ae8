import { StoreConflict } from '../../../store/engine.ts';
import type { EndpointRecord } from '../../../store/webhooks/endpoints.ts';
import type { BareStore } from './bare-store.ts';

/** The endpoints of the model store. */
export function createEndpointTable() {
  const living = new Map<string, EndpointRecord>();
  const deleted: { projectId: string; id: string }[] = [];

  function find(id: string, version?: number): EndpointRecord {
    const found = living.get(id);
    if (found === undefined) throw new StoreConflict(`There is no endpoint ${id}.`);
    if (version !== undefined && found.version !== version) {
      throw new StoreConflict(`The endpoint ${id} was changed.`);
    }
    return found;
  }

  // Copies in both directions: a process changes its records in place.
  return {
    allEndpoints: () => [...living.values()].map((record) => ({ ...record })),
    insertEndpoint(record) {
      living.set(record.id, { ...record });
    },
    updateEndpoint(before, record) {
      find(record.id, before.version);
      living.set(record.id, { ...record });
    },
    noteHealth({ id, failingSinceMs, warnedPercent }) {
      const record = living.get(id);
      if (record !== undefined) Object.assign(record, { failingSinceMs, warnedPercent });
    },
    removeEndpoint(_projectId, id) {
      const { projectId } = find(id);
      living.delete(id);
      deleted.push({ projectId, id });
    },
    deletedEndpoints: () => [...deleted],
  } satisfies Partial<BareStore>;
}
