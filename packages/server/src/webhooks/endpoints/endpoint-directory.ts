import type { CanonicalEvent } from '@posthorn/sdk';
import type { EndpointSecrets, SigningKeyRecord } from '../../core/webhooks/endpoint-settings.ts';
import { isSharedSecret } from '../../core/webhooks/signing-keys.ts';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';
import type { Statement } from '../../store/engine.ts';
import { endpointContext } from '../../store/sealed-values.ts';
import type { EndpointRecord, Endpoints } from '../../store/webhooks/endpoints.ts';
import { type EndpointDefaults, type LiveEndpoint, toLiveEndpoint } from './live-endpoint.ts';

/** Told of every change, in the order of the commits. */
export interface EndpointListener {
  saved(endpoint: LiveEndpoint): void;
  removed(projectId: string, endpointId: string): void;
}

type HealthNotes = Pick<EndpointRecord, 'failingSinceMs' | 'warnedPercent'>;
type NewEndpoint = Omit<EndpointRecord, 'secretsSealed'>;

/**
 * All endpoints, in memory, so that matching an event costs no query. A change is committed first
 * and then takes effect here.
 */
export interface EndpointDirectory {
  load(): Promise<void>;
  match(projectId: string, event: CanonicalEvent): LiveEndpoint[];
  find(projectId: string, endpointId: string): LiveEndpoint | null;
  /** How many endpoints of the project listen to types that begin so, such as `email.`. */
  subscribersOf(projectId: string, prefix: string): { enabled: number; disabled: number };
  /** By its id or by the name that its owner gave it. */
  lookUp(projectId: string, idOrUid: string): LiveEndpoint | null;
  /** By its id alone, which is unique over all projects: for what everybody may see. */
  findAnywhere(endpointId: string): LiveEndpoint | null;
  /**
   * A key pair that signs, by its id alone, of whichever endpoint: for public keys that receivers ask
   * for. A shared secret is never found.
   */
  findSigningKey(keyId: string): SigningKeyRecord | null;
  all(): Iterable<LiveEndpoint>;
  listen(listener: EndpointListener): void;
  create(
    record: NewEndpoint,
    secrets: EndpointSecrets,
    beside: readonly Statement[],
  ): Promise<EndpointRecord>;
  /**
   * Stores a change of `before`; `secrets` only when they change too. Rejects with StoreConflict when
   * somebody else has changed it since.
   */
  update(
    before: Pick<EndpointRecord, 'version'>,
    record: EndpointRecord,
    options?: { secrets?: EndpointSecrets; beside?: readonly Statement[] },
  ): Promise<EndpointRecord>;
  /** Stores what dispatching noticed of an endpoint: no change that anybody made. */
  noteHealth(endpoint: LiveEndpoint, health: HealthNotes): Promise<void>;
  /** Opens its sealed secrets. */
  secretsOf(record: EndpointRecord): EndpointSecrets;
  /** Rejects with StoreConflict when it is gone, or is of another version than the one given. */
  remove(projectId: string, endpointId: string, nowMs: number, version?: number): Promise<void>;
  /** Reads what another node has changed of an endpoint. */
  refresh(projectId: string, endpointId: string): Promise<void>;
  refreshAll(): Promise<void>;
}

export function createEndpointDirectory(options: {
  endpoints: Pick<Endpoints, 'all' | 'get' | 'insert' | 'update' | 'noteHealth' | 'remove'>;
  secretBox: SecretBox;
  defaults: EndpointDefaults;
}): EndpointDirectory {
  const { endpoints, secretBox, defaults } = options;
  const byProject = new Map<string, Map<string, LiveEndpoint>>();
  const redactKeys = new Map<string, Uint8Array>();
  const listeners: EndpointListener[] = [];

  function secretsOf(record: EndpointRecord): EndpointSecrets {
    return JSON.parse(secretBox.open(record.secretsSealed, endpointContext(record)));
  }

  function seal(record: NewEndpoint, secrets: EndpointSecrets): string {
    return secretBox.seal(JSON.stringify(secrets), endpointContext(record));
  }

  /** One for a project, so that its endpoints see the same hash of the same address. */
  function redactKeyOf({ projectId }: EndpointRecord): Uint8Array {
    let key = redactKeys.get(projectId);
    if (key === undefined) {
      key = secretBox.derive(`redact:${projectId}`);
      redactKeys.set(projectId, key);
    }
    return key;
  }

  function put(record: EndpointRecord): LiveEndpoint {
    const live = toLiveEndpoint(record, secretsOf(record), {
      ...defaults,
      redactKey: redactKeyOf(record),
    });
    const project = byProject.get(record.projectId) ?? new Map<string, LiveEndpoint>();
    byProject.set(record.projectId, project.set(record.id, live));
    return live;
  }

  function* all(): Generator<LiveEndpoint> {
    for (const project of byProject.values()) yield* project.values();
  }

  function forget(projectId: string, endpointId: string): void {
    byProject.get(projectId)?.delete(endpointId);
    for (const listener of listeners) listener.removed(projectId, endpointId);
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
        if (endpoint.matches(event)) matched.push(endpoint);
      }
      return matched;
    },
    find: (projectId, endpointId) => byProject.get(projectId)?.get(endpointId) ?? null,
    lookUp(projectId, idOrUid) {
      const project = byProject.get(projectId);
      const found = project?.get(idOrUid);
      if (found !== undefined) return found;
      for (const live of project?.values() ?? []) if (live.record.uid === idOrUid) return live;
      return null;
    },
    findAnywhere(endpointId) {
      for (const project of byProject.values()) {
        const found = project.get(endpointId);
        if (found !== undefined) return found;
      }
      return null;
    },
    findSigningKey(keyId) {
      for (const { secrets } of all()) {
        const found = secrets.keys.find(({ id, kind }) => id === keyId && !isSharedSecret(kind));
        if (found !== undefined) return found;
      }
      return null;
    },
    subscribersOf(projectId, prefix) {
      const counts = { enabled: 0, disabled: 0 };
      for (const { record, types } of byProject.get(projectId)?.values() ?? []) {
        if (types.values().some((type) => type.startsWith(prefix))) counts[record.status] += 1;
      }
      return counts;
    },
    all,
    listen: (listener) => listeners.push(listener),
    secretsOf,
    async create(fields, secrets, beside) {
      const record = { ...fields, secretsSealed: seal(fields, secrets) };
      await endpoints.insert(record, beside);
      announce(record);
      return record;
    },
    async update(before, changed, { secrets, beside = [] } = {}) {
      const secretsSealed = secrets === undefined ? changed.secretsSealed : seal(changed, secrets);
      const record = { ...changed, secretsSealed };
      const find = () => byProject.get(record.projectId)?.get(record.id);
      const known = find();
      const live = known?.record ?? record;
      const { failingSinceMs, warnedPercent } = live;
      await endpoints.update(before, record, beside);
      // What dispatching noticed in the meantime was stored after this, and is the news.
      if (live.failingSinceMs !== failingSinceMs || live.warnedPercent !== warnedPercent) {
        Object.assign(record, healthOf(live));
      }
      // A store may answer in another order than it commits: a later change, or the end, may be known.
      if (known === undefined || isNewer(record, find())) announce(record);
      return record;
    },
    async noteHealth(endpoint, health) {
      // In place: nothing that was compiled of the endpoint changes by it.
      Object.assign(endpoint.record, health);
      await endpoints.noteHealth(endpoint.record);
    },
    async remove(projectId, endpointId, nowMs, version) {
      await endpoints.remove(projectId, endpointId, nowMs, version);
      forget(projectId, endpointId);
    },
    async refresh(projectId, endpointId) {
      const record = await endpoints.get(projectId, endpointId);
      const known = byProject.get(projectId)?.get(endpointId);
      if (record === null) {
        if (known !== undefined) forget(projectId, endpointId);
      } else if (known === undefined || isNewer(record, known)) announce(record);
    },
    async refreshAll() {
      const records = await endpoints.all();
      const ids = new Set(records.map(({ id }) => id));
      for (const { record } of [...all()]) {
        if (!ids.has(record.id)) forget(record.projectId, record.id);
      }
      for (const record of records) {
        const known = byProject.get(record.projectId)?.get(record.id);
        if (known === undefined || isNewer(record, known)) announce(record);
      }
    },
  };
}

const isNewer = ({ version }: EndpointRecord, known: LiveEndpoint | undefined): boolean =>
  known !== undefined && version > known.record.version;

function healthOf({ failingSinceMs, warnedPercent }: EndpointRecord): HealthNotes {
  return { failingSinceMs, warnedPercent };
}
