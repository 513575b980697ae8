import type { Page } from '../../core/cursor.ts';
import { type DomainCheck, isReturnPathReady } from '../../core/mail/domain-check.ts';
import { changeStatement } from '../changes.ts';
import type { Engine, Statement } from '../engine.ts';
import { readNewestFirst } from '../read-newest-first.ts';
import { toStatement } from '../statement.ts';
import type { DkimKeysTable, DomainsTable } from '../tables.ts';

/** A domain that a project sends from. */
export interface DomainRecord {
  projectId: string;
  id: string;
  /** In ASCII and lower case. */
  name: string;
  settings: DomainSettings;
  /** 1, then one more with each change that a person makes. */
  version: number;
  createdAtMs: number;
  updatedAtMs: number;
  /** When DNS first showed that the domain is the project's; from then on it may send. */
  verifiedAtMs: number | null;
  checkedAtMs: number | null;
  check: DomainCheck | null;
}

/** Labels below the domain. */
export interface DomainSettings {
  /** Where bounces come back to: the domain of the return path. */
  returnPath: string;
  /** What links are wrapped with. */
  tracking: string;
}

export interface DkimKeyRecord {
  projectId: string;
  domainId: string;
  selector: string;
  algorithm: DkimKeysTable['algorithm'];
  state: DkimKeysTable['state'];
  publicKey: string;
  /** '' once it is retired. */
  privateSealed: string;
  createdAtMs: number;
  retiredAtMs: number | null;
}

export interface Domains {
  all(): Promise<DomainRecord[]>;
  /** Of all domains, or of one. */
  keys(domain?: Pick<DomainRecord, 'projectId' | 'id'>): Promise<DkimKeyRecord[]>;
  get(projectId: string, id: string): Promise<DomainRecord | null>;
  find(projectId: string, name: string): Promise<DomainRecord | null>;
  /** The newest first. */
  list(query: {
    projectId: string;
    limit: number;
    beforeId: string | null;
  }): Promise<Page<DomainRecord>>;
  /** Those that were not checked since, the longest ago first. */
  due(beforeMs: number, limit: number): Promise<DomainRecord[]>;
  /** Statements for a commit; each tells other nodes. */
  insertion(domain: DomainRecord, keys: readonly DkimKeyRecord[]): Statement[];
  /** Refuses the commit when `before` is not what is stored any more. */
  update(before: Pick<DomainRecord, 'version'>, domain: DomainRecord): Statement[];
  /** What a check found; refuses the commit when another one was faster. */
  noteCheck(
    before: Pick<DomainRecord, 'checkedAtMs' | 'verifiedAtMs' | 'check'>,
    domain: DomainRecord,
  ): Statement[];
  removal(domain: Pick<DomainRecord, 'projectId' | 'id'>, nowMs: number): Statement[];
  addKeys(keys: readonly DkimKeyRecord[], nowMs: number): Statement[];
  /** The next keys sign from now on, and those that signed retire. */
  activateNext(domain: Pick<DomainRecord, 'projectId' | 'id'>, nowMs: number): Statement[];
  /** Keys that were to come, or that have been retired since before then. */
  removeKeys(
    domain: Pick<DomainRecord, 'projectId' | 'id'>,
    which: { state: 'next' } | { state: 'retired'; beforeMs: number },
    nowMs: number,
  ): Statement[];
}

export function createDomains(engine: Engine): Domains {
  const { db } = engine;
  type Place = Pick<DomainRecord, 'projectId' | 'id'>;
  const telling = ({ projectId, id }: Place, nowMs: number): Statement =>
    changeStatement(engine, { kind: 'domain', projectId, id }, nowMs);
  const one = ({ projectId, id }: Place) =>
    db.updateTable('domains').where('project_id', '=', projectId).where('id', '=', id);
  const keysOf = ({ projectId, id }: Place) =>
    db.updateTable('dkim_keys').where('project_id', '=', projectId).where('domain_id', '=', id);
  const insertKey = (key: DkimKeyRecord): Statement =>
    toStatement(db.insertInto('dkim_keys').values(toKeyRow(key)), 1);

  return {
    async all() {
      const rows = await db.selectFrom('domains').selectAll().orderBy('id').execute();
      return rows.map(fromRow);
    },
    async keys(domain) {
      let query = db.selectFrom('dkim_keys').selectAll();
      if (domain !== undefined) {
        query = query.where('project_id', '=', domain.projectId).where('domain_id', '=', domain.id);
      }
      const rows = await query.orderBy('created_at').orderBy('selector').execute();
      return rows.map(fromKeyRow);
    },
    async get(projectId, id) {
      const row = await db
        .selectFrom('domains')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    async find(projectId, name) {
      const row = await db
        .selectFrom('domains')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('name', '=', name)
        .executeTakeFirst();
      return row === undefined ? null : fromRow(row);
    },
    list: ({ projectId, ...page }) =>
      readNewestFirst(
        db.selectFrom('domains').selectAll().where('project_id', '=', projectId),
        page,
        fromRow,
      ),
    async due(beforeMs, limit) {
      const rows = await db
        .selectFrom('domains')
        .selectAll()
        .where((eb) => eb.or([eb('checked_at', 'is', null), eb('checked_at', '<', beforeMs)]))
        .orderBy((eb) => eb.fn.coalesce('checked_at', eb.lit(0)))
        .limit(limit)
        .execute();
      return rows.map(fromRow);
    },
    insertion: (domain, keys) => [
      toStatement(db.insertInto('domains').values(toRow(domain)), 1),
      ...keys.map(insertKey),
      telling(domain, domain.createdAtMs),
    ],
    update: (before, domain) => {
      const { settings, version, updated_at } = toRow(domain);
      const change = one(domain).set({ settings, version, updated_at });
      return [
        toStatement(change.where('version', '=', before.version), 1),
        telling(domain, domain.updatedAtMs),
      ];
    },
    noteCheck: ({ checkedAtMs, verifiedAtMs, check }, domain) => {
      const { verified_at, checked_at, checked } = toRow(domain);
      const change = one(domain)
        .set({ verified_at, checked_at, checked })
        .where('checked_at', checkedAtMs === null ? 'is' : '=', checkedAtMs);
      // Others keep in memory whether it is verified and proven, and what its return path is.
      const isNews =
        verifiedAtMs !== verified_at ||
        isProven({ verifiedAtMs: verified_at, check: domain.check }) !==
          isProven({ verifiedAtMs, check }) ||
        hasReadyReturnPath({ ...domain, check }) !== hasReadyReturnPath(domain);
      return [toStatement(change, 1), ...(isNews ? [telling(domain, checked_at ?? 0)] : [])];
    },
    removal: (domain, nowMs) => [
      toStatement(
        db
          .deleteFrom('domains')
          .where('project_id', '=', domain.projectId)
          .where('id', '=', domain.id),
        1,
      ),
      toStatement(
        db
          .deleteFrom('dkim_keys')
          .where('project_id', '=', domain.projectId)
          .where('domain_id', '=', domain.id),
      ),
      telling(domain, nowMs),
    ],
    addKeys: (keys, nowMs) => [
      ...keys.map(insertKey),
      ...keys
        .slice(0, 1)
        .map(({ projectId, domainId }) => telling({ projectId, id: domainId }, nowMs)),
    ],
    activateNext: (domain, nowMs) => [
      toStatement(
        keysOf(domain)
          .set({ state: 'retired', private_sealed: '', retired_at: nowMs })
          .where('state', '=', 'active'),
      ),
      toStatement(keysOf(domain).set({ state: 'active' }).where('state', '=', 'next')),
      telling(domain, nowMs),
    ],
    removeKeys(domain, which, nowMs) {
      let query = db
        .deleteFrom('dkim_keys')
        .where('project_id', '=', domain.projectId)
        .where('domain_id', '=', domain.id)
        .where('state', '=', which.state);
      if (which.state === 'retired') query = query.where('retired_at', '<', which.beforeMs);
      return [toStatement(query), telling(domain, nowMs)];
    },
  };
}

/**
 * Whether the domain's owner has published our key for it at the last check: what others may not have for a
 * name that he has lost or sold.
 */
export function isProven({
  verifiedAtMs,
  check,
}: Pick<DomainRecord, 'verifiedAtMs' | 'check'>): boolean {
  const keys = check?.records.filter(({ purpose }) => purpose === 'dkim') ?? [];
  return verifiedAtMs !== null && keys.some(({ status }) => status === 'ok');
}

/** Whether bounces can come back to a name of the domain's own. */
export function hasReadyReturnPath({
  name,
  settings,
  check,
}: Pick<DomainRecord, 'name' | 'settings' | 'check'>): boolean {
  return isReturnPathReady(check, returnPathOf({ name, settings }));
}

export function returnPathOf({ name, settings }: Pick<DomainRecord, 'name' | 'settings'>): string {
  return `${settings.returnPath}.${name}`;
}

function toRow(domain: DomainRecord): DomainsTable {
  return {
    project_id: domain.projectId,
    id: domain.id,
    name: domain.name,
    settings: JSON.stringify(domain.settings),
    version: domain.version,
    created_at: domain.createdAtMs,
    updated_at: domain.updatedAtMs,
    verified_at: domain.verifiedAtMs,
    checked_at: domain.checkedAtMs,
    checked: domain.check === null ? null : JSON.stringify(domain.check),
  };
}

function fromRow(row: DomainsTable): DomainRecord {
  return {
    projectId: row.project_id,
    id: row.id,
    name: row.name,
    settings: JSON.parse(row.settings),
    version: row.version,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    verifiedAtMs: row.verified_at,
    checkedAtMs: row.checked_at,
    check: row.checked === null ? null : JSON.parse(row.checked),
  };
}

function toKeyRow(key: DkimKeyRecord): DkimKeysTable {
  return {
    project_id: key.projectId,
    domain_id: key.domainId,
    selector: key.selector,
    algorithm: key.algorithm,
    state: key.state,
    public_key: key.publicKey,
    private_sealed: key.privateSealed,
    created_at: key.createdAtMs,
    retired_at: key.retiredAtMs,
  };
}

function fromKeyRow(row: DkimKeysTable): DkimKeyRecord {
  return {
    projectId: row.project_id,
    domainId: row.domain_id,
    selector: row.selector,
    algorithm: row.algorithm,
    state: row.state,
    publicKey: row.public_key,
    privateSealed: row.private_sealed,
    createdAtMs: row.created_at,
    retiredAtMs: row.retired_at,
  };
}
