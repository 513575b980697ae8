import { createHash, randomBytes } from 'node:crypto';
import type { KeyMode } from '../../core/key-mode.ts';
import type { PortalLink } from '../../core/portal-link.ts';
import { listScopes, type Scope } from '../../core/scopes.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { PosthornError } from '../../lib/errors.ts';
import type { ApiKeyRecord, ApiKeys } from '../../store/access/api-keys.ts';
import type { ProjectDirectory } from '../../store/project-directory.ts';
import type { KeyUsage } from './key-usage.ts';

const KEY_PREFIX = 'phk_';
const LINK_PREFIX = 'phl_';

/** A look-up is trusted for this long, ms. What this process revokes itself is forgotten at once. */
const CACHE_MS = 5_000;
const CACHE_SIZE = 10_000;

export interface Caller {
  projectId: string;
  keyId: string;
  scopes: readonly Scope[];
  /** What becomes of the messages that he sends. */
  keyMode: KeyMode;
  /** Of who came with a link: what they do is narrowed down to it. */
  link?: PortalLink;
}

/** Somebody with the token of an embedded page (core/portal-link.ts). */
export interface LinkCaller extends Caller {
  link: PortalLink;
  expiresAtMs: number;
}

export interface Authenticator {
  /** Whose key has this hash. Throws `wrong_key`, `expired_key`; a link is no key here. */
  identify(keyHash: string): Promise<Caller>;
  /** Whose link has this hash: for who narrows down what it does. Throws `wrong_key`. */
  identifyLink(keyHash: string): Promise<LinkCaller>;
  /** A key was revoked or made: what is remembered of this hash is not true any more. */
  forget(keyHash: string): void;
  /** Some key was changed by another node. */
  forgetAll(): void;
}

export function generateApiKey(): string {
  return KEY_PREFIX + randomBytes(24).toString('base64url');
}

export function generateLinkToken(): string {
  return LINK_PREFIX + randomBytes(32).toString('base64url');
}

export function isLinkToken(key: string): boolean {
  return key.startsWith(LINK_PREFIX);
}

/** A key to be stored. Of the key itself only the hash and its last characters are in the record. */
export function toApiKeyRecord(
  key: string,
  fields: Pick<ApiKeyRecord, 'projectId' | 'id' | 'name' | 'scopes' | 'createdAtMs'> &
    Partial<Pick<ApiKeyRecord, 'expiresAtMs' | 'mode' | 'link'>>,
): ApiKeyRecord {
  return {
    expiresAtMs: null,
    mode: 'live',
    link: null,
    ...fields,
    keyHash: hashApiKey(key),
    hint: key.slice(-4),
    lastUsedAtMs: null,
    revokedAtMs: null,
  };
}

/** Keys are random and long, so a plain hash is enough; it is all that the store has of them. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

export function createAuthenticator(options: {
  apiKeys: Pick<ApiKeys, 'find'>;
  projects: Pick<ProjectDirectory, 'find' | 'refresh'>;
  usage: Pick<KeyUsage, 'note'>;
  now: () => number;
}): Authenticator {
  const { apiKeys, projects, now } = options;
  const known = new Map<string, { record: ApiKeyRecord | null; untilMs: number }>();
  /** Counts what was forgotten, so that a look-up that began before does not bring it back. */
  let forgotten = 0;

  async function lookUp(keyHash: string): Promise<ApiKeyRecord | null> {
    const cached = known.get(keyHash);
    if (cached !== undefined && cached.untilMs > now()) return cached.record;
    const before = forgotten;
    const record = await apiKeys.find(keyHash);
    if (before !== forgotten) return record;
    // Wrong keys are remembered too; whoever tries many of them must not fill the memory.
    if (known.size >= CACHE_SIZE) known.clear();
    known.set(keyHash, { record, untilMs: now() + CACHE_MS });
    return record;
  }

  /** The directory knows at once that a project was deleted; one that another node has just made, it is told of. */
  async function isLive({ projectId, revokedAtMs }: ApiKeyRecord): Promise<boolean> {
    if (revokedAtMs !== null) return false;
    if (projects.find(projectId) === null) await projects.refresh();
    return projects.find(projectId) !== null;
  }

  return {
    async identify(keyHash) {
      const record = await lookUp(keyHash);
      if (record === null || record.link !== null || !(await isLive(record))) {
        const detail = 'No project has this API key. Was it copied whole, and not revoked since?';
        throw new PosthornError('wrong_key', detail);
      }
      const { projectId, id: keyId, scopes, mode: keyMode, expiresAtMs } = record;
      if (expiresAtMs !== null && expiresAtMs <= now()) {
        const detail = `This API key expired at ${toTimestamp(expiresAtMs)}. Use another one, or make one with POST /v1/keys.`;
        throw new PosthornError('expired_key', detail);
      }
      const caller = { projectId, keyId, scopes, keyMode };
      options.usage.note(caller);
      return caller;
    },
    async identifyLink(keyHash) {
      const record = await lookUp(keyHash);
      const isOpen = (record?.expiresAtMs ?? 0) > now();
      if (record === null || record.link === null || !isOpen || !(await isLive(record))) {
        const detail = 'This link has expired or was ended. Open the page anew where you found it.';
        throw new PosthornError('wrong_key', detail);
      }
      const { projectId, id: keyId, scopes, mode: keyMode, link } = record;
      options.usage.note({ projectId, keyId });
      return { projectId, keyId, scopes, keyMode, link, expiresAtMs: record.expiresAtMs ?? 0 };
    },
    forget(keyHash) {
      forgotten += 1;
      known.delete(keyHash);
    },
    forgetAll() {
      forgotten += 1;
      known.clear();
    },
  };
}

/** Throws `missing_scope`, which says what the key has. */
export function requireScope({ scopes }: Pick<Caller, 'scopes'>, scope: Scope): void {
  if (scopes.includes(scope)) return;
  const detail = `This needs a key with the scope "${scope}"; this key has ${listScopes(scopes)}.`;
  throw new PosthornError('missing_scope', detail);
}

/** The key of `Authorization: Bearer ...` or `X-Api-Key`. Throws `missing_key`. */
export function readApiKey(headers: {
  authorization?: string | undefined;
  'x-api-key'?: string | string[] | undefined;
}): string {
  const plain = headers['x-api-key'];
  if (typeof plain === 'string' && plain !== '') return plain;
  const match = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '');
  if (match?.[1] !== undefined) return match[1];
  throw new PosthornError(
    'missing_key',
    'Send the API key as "Authorization: Bearer phk_..." or "X-Api-Key: phk_...".',
  );
}
