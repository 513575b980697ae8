import { createHash } from 'node:crypto';
import type { Provider } from '@posthorn/sdk';
import { livingTexts, type SourceRecord, type SourceSecrets } from '../core/source.ts';
import type { SecretBox } from '../lib/secrets/secret-box.ts';
import { providerOf } from './provider-of.ts';

/** A source ready for use: its provider's file found, its secrets opened. */
export interface LiveSource {
  record: SourceRecord;
  secrets: SourceSecrets;
  provider: Provider;
}

/** The part of the store that sources are kept in. `B` goes into the same commit. */
export interface SourceTable<B> {
  all(): Promise<SourceRecord[]>;
  get(projectId: string, id: string): Promise<SourceRecord | null>;
  insert(source: SourceRecord, beside: readonly B[]): Promise<void>;
  update(
    before: Pick<SourceRecord, 'version'>,
    source: SourceRecord,
    beside?: readonly B[],
  ): Promise<void>;
  remove(projectId: string, id: string, nowMs: number, version?: number): Promise<void>;
}

type NewSource = Omit<SourceRecord, 'secretsSealed'>;

/**
 * All sources, in memory, so that a webhook is judged without a query. A change is committed first and
 * then takes effect here.
 */
export interface SourceDirectory<B> {
  load(): Promise<void>;
  /** By what its URL ends in; null for a token that never was or has expired. */
  byToken(token: string): LiveSource | null;
  find(projectId: string, id: string): LiveSource | null;
  all(): LiveSource[];
  secretsOf(record: SourceRecord): SourceSecrets;
  create(source: NewSource, secrets: SourceSecrets, beside: readonly B[]): Promise<SourceRecord>;
  /** Rejects with StoreConflict when somebody else has changed it since. */
  update(
    before: Pick<SourceRecord, 'version'>,
    source: NewSource,
    options: { secrets: SourceSecrets; beside?: readonly B[] },
  ): Promise<SourceRecord>;
  remove(projectId: string, id: string, nowMs: number, version?: number): Promise<void>;
  /** Reads what another node has changed of a source. */
  refresh(projectId: string, id: string): Promise<void>;
  refreshAll(): Promise<void>;
}

export function createSourceDirectory<B>(options: {
  sources: SourceTable<B>;
  secretBox: Pick<SecretBox, 'seal' | 'open'>;
  /** What a sealed text belongs to. */
  contextOf(source: Pick<SourceRecord, 'projectId' | 'id'>): string;
  /** With its project a source takes nothing any more. */
  projectExists(projectId: string): boolean;
  now: () => number;
}): SourceDirectory<B> {
  const { sources, secretBox, contextOf, now } = options;
  const byId = new Map<string, LiveSource>();
  /** The tokens themselves are nowhere but in the sources' secrets. */
  const idByToken = new Map<string, string>();

  const seal = (source: NewSource, secrets: SourceSecrets): SourceRecord => ({
    ...source,
    secretsSealed: secretBox.seal(JSON.stringify(secrets), contextOf(source)),
  });

  function secretsOf(record: SourceRecord): SourceSecrets {
    return JSON.parse(secretBox.open(record.secretsSealed, contextOf(record)));
  }

  function put(record: SourceRecord): void {
    const provider = providerOf(record);
    // Made by a newer version, which knows a provider that this one does not.
    if (provider === null) return;
    forget(record.id);
    const secrets = secretsOf(record);
    byId.set(record.id, { record, secrets, provider });
    for (const { text } of secrets.tokens) idByToken.set(hashToken(text), record.id);
  }

  function forget(id: string): void {
    for (const { text } of byId.get(id)?.secrets.tokens ?? []) idByToken.delete(hashToken(text));
    byId.delete(id);
  }

  function putIfNewer(record: SourceRecord): void {
    const known = byId.get(record.id);
    if (known === undefined || record.version > known.record.version) put(record);
  }

  return {
    async load() {
      for (const record of await sources.all()) put(record);
    },
    byToken(token) {
      const hash = hashToken(token);
      const found = byId.get(idByToken.get(hash) ?? '');
      if (found === undefined || !options.projectExists(found.record.projectId)) return null;
      const living = livingTexts(found.secrets.tokens, now());
      return living.some(({ text }) => hashToken(text) === hash) ? found : null;
    },
    find(projectId, id) {
      const found = byId.get(id);
      return found?.record.projectId === projectId ? found : null;
    },
    all: () => [...byId.values()].filter(({ record }) => options.projectExists(record.projectId)),
    secretsOf,
    async create(source, secrets, beside) {
      const record = seal(source, secrets);
      await sources.insert(record, beside);
      put(record);
      return record;
    },
    async update(before, source, { secrets, beside = [] }) {
      const record = seal(source, secrets);
      await sources.update(before, record, beside);
      putIfNewer(record);
      return record;
    },
    async remove(projectId, id, nowMs, version) {
      await sources.remove(projectId, id, nowMs, version);
      forget(id);
    },
    async refresh(projectId, id) {
      const record = await sources.get(projectId, id);
      if (record === null) forget(id);
      else putIfNewer(record);
    },
    async refreshAll() {
      const records = await sources.all();
      const ids = new Set(records.map(({ id }) => id));
      for (const id of [...byId.keys()]) if (!ids.has(id)) forget(id);
      for (const record of records) putIfNewer(record);
    },
  };
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
