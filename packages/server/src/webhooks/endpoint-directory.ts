import type { KeyObject } from 'node:crypto';
import { type CanonicalEvent, type EventType, importSecret } from '@posthorn/sdk';
import { compileEventFilter } from '../core/event-filter.ts';
import type { SecretBox } from '../lib/secret-box.ts';
import type { EndpointRecord, Endpoints } from '../store/endpoints.ts';
import type { Statement } from '../store/engine.ts';
import { type PostTarget, parseTarget } from './post/post-target.ts';

/** An endpoint ready for use: filter compiled, secret opened, URL taken apart. */
export interface LiveEndpoint {
  record: EndpointRecord;
  types: ReadonlySet<EventType>;
  keys: readonly KeyObject[];
  target: PostTarget;
}

/** Told of every change, in the order of the commits. */
export interface EndpointListener {
  saved(endpoint: LiveEndpoint): void;
  removed(projectId: string, endpointId: string): void;
}

/**
 * All endpoints, in memory, so that matching an event costs no query. A change is committed first
 * and then takes effect here.
 */
export interface EndpointDirectory {
  load(): Promise<void>;
  match(projectId: string, event: CanonicalEvent): LiveEndpoint[];
  find(projectId: string, endpointId: string): LiveEndpoint | null;
  all(): Iterable<LiveEndpoint>;
  listen(listener: EndpointListener): void;
  create(
    record: Omit<EndpointRecord, 'secretSealed'>,
    secret: string,
    beside: readonly Statement[],
  ): Promise<EndpointRecord>;
  update(record: EndpointRecord): Promise<void>;
  remove(projectId: string, endpointId: string, nowMs: number): Promise<void>;
}

export function createEndpointDirectory(options: {
  endpoints: Pick<Endpoints, 'all' | 'insert' | 'update' | 'remove'>;
  secretBox: SecretBox;
}): EndpointDirectory {
  const { endpoints, secretBox } = options;
  const byProject = new Map<string, Map<string, LiveEndpoint>>();
  const listeners: EndpointListener[] = [];

  function toLive(record: EndpointRecord): LiveEndpoint {
    const secret = secretBox.open(record.secretSealed, contextOf(record));
    return {
      record,
      types: compileEventFilter(record.eventTypes),
      keys: [importSecret(secret)],
      target: parseTarget(record.url),
    };
  }

  function put(record: EndpointRecord): LiveEndpoint {
    const live = toLive(record);
    const project = byProject.get(record.projectId) ?? new Map<string, LiveEndpoint>();
    byProject.set(record.projectId, project.set(record.id, live));
    return live;
  }

  function announce(record: EndpointRecord): void {
    const live = put(record);
    for (const listener of listeners) listener.saved(live);
  }

  return {
    async load() {
      for (const record of await endpoints.all()) put(record);
    },
    match(projectId, event) {
      const matched: LiveEndpoint[] = [];
      for (const endpoint of byProject.get(projectId)?.values() ?? []) {
        if (endpoint.types.has(event.type)) matched.push(endpoint);
      }
      return matched;
    },
    find: (projectId, endpointId) => byProject.get(projectId)?.get(endpointId) ?? null,
    *all() {
      for (const project of byProject.values()) yield* project.values();
    },
    listen: (listener) => listeners.push(listener),
    async create(fields, secret, beside) {
      const record = { ...fields, secretSealed: secretBox.seal(secret, contextOf(fields)) };
      await endpoints.insert(record, beside);
      announce(record);
      return record;
    },
    async update(record) {
      await endpoints.update(record);
      announce(record);
    },
    async remove(projectId, endpointId, nowMs) {
      await endpoints.remove(projectId, endpointId, nowMs);
      byProject.get(projectId)?.delete(endpointId);
      for (const listener of listeners) listener.removed(projectId, endpointId);
    },
  };
}

function contextOf({ projectId, id }: { projectId: string; id: string }): string {
  return `endpoint:${projectId}:${id}`;
}
