import { domainOf } from '../../core/mail/mail-domain.ts';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';
import {
  type DkimKeyRecord,
  type DomainRecord,
  type Domains,
  isProven,
} from '../../store/mail/domains.ts';
import { dkimContext } from '../../store/sealed-values.ts';
import { readPrivateKey } from '../dkim/generate-keys.ts';
import type { DkimSigningKey } from '../dkim/sign-message.ts';

/** A domain ready for use. */
export interface LiveDomain {
  record: DomainRecord;
  /** The active ones, opened when they are first needed. */
  signingKeys(): readonly DkimSigningKey[];
}

/** All domains, in memory, so that signing a message costs no query. */
export interface DomainDirectory {
  /** Reads all of them: at the start, and when this or another node has changed one. */
  load(): Promise<void>;
  /** The domain of an address, or the nearest above it that the project has. */
  findSender(projectId: string, address: string): LiveDomain | null;
  hasAny(projectId: string): boolean;
  /** Of all projects. */
  all(): DomainRecord[];
  /**
   * Of all projects, those with the longest name that a host is or is below, where whoever has the domain has
   * published our key for it now.
   */
  findProven(host: string): DomainRecord[];
}

export function createDomainDirectory(options: {
  domains: Pick<Domains, 'all' | 'keys'>;
  secretBox: Pick<SecretBox, 'open'>;
}): DomainDirectory {
  const { domains, secretBox } = options;
  let byProject = new Map<string, Map<string, LiveDomain>>();
  let proven = new Map<string, DomainRecord[]>();
  let loading: Promise<void> | null = null;
  let isStale = false;

  function toLive(record: DomainRecord, keys: readonly DkimKeyRecord[]): LiveDomain {
    let opened: DkimSigningKey[] | null = null;
    return {
      record,
      signingKeys() {
        opened ??= keys.map((key) => ({
          algorithm: key.algorithm,
          selector: key.selector,
          privateKey: readPrivateKey(secretBox.open(key.privateSealed, dkimContext(key))),
        }));
        return opened;
      },
    };
  }

  async function read(): Promise<void> {
    const [records, keys] = await Promise.all([domains.all(), domains.keys()]);
    const active = keys.filter(({ state }) => state === 'active');
    const keysOf = Map.groupBy(active, ({ projectId, domainId }) => `${projectId}/${domainId}`);
    const found: typeof byProject = new Map();
    for (const record of records) {
      const ofProject = found.get(record.projectId) ?? new Map<string, LiveDomain>();
      const own = keysOf.get(`${record.projectId}/${record.id}`) ?? [];
      found.set(record.projectId, ofProject.set(record.name, toLive(record, own)));
    }
    byProject = found;
    proven = Map.groupBy(records.filter(isProven), ({ name }) => name);
  }

  return {
    /** One reading at a time; whoever asks meanwhile gets the next one. */
    async load() {
      if (loading !== null) {
        isStale = true;
        return loading;
      }
      loading = (async () => {
        do {
          isStale = false;
          await read();
        } while (isStale);
      })().finally(() => {
        loading = null;
      });
      return loading;
    },
    findSender(projectId, address) {
      const ofProject = byProject.get(projectId);
      if (ofProject === undefined) return null;
      let name = domainOf(address);
      for (;;) {
        const found = ofProject.get(name);
        if (found !== undefined) return found;
        const dot = name.indexOf('.');
        if (dot === -1) return null;
        name = name.slice(dot + 1);
      }
    },
    findProven(host) {
      for (let name = host; ; name = name.slice(name.indexOf('.') + 1)) {
        const found = proven.get(name);
        if (found !== undefined) return found;
        if (!name.includes('.')) return [];
      }
    },
    hasAny: (projectId) => byProject.has(projectId),
    all: () =>
      [...byProject.values()].flatMap((its) => [...its.values()].map(({ record }) => record)),
  };
}
