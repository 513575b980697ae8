import {
  createPrivateKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type CanonicalEvent,
  type Dialect,
  type DialectKey,
  findProvider,
  importSecret,
  PROVIDERS,
  type SigningKind,
  type UnsignedPost,
} from '@posthorn/sdk';
import { ConfigError } from '../../../config.ts';
import { nearestName } from '../../../core/nearest-name.ts';
import { KEY_BYTES } from '../../../core/webhooks/signing-keys.ts';
import { messageOf } from '../../../lib/errors.ts';

/** A post as it goes out. */
export interface OutgoingWebhook {
  /** By lower-case names. */
  headers: Record<string, string>;
  body: string;
}

/** Writes webhooks in one dialect, signed with one secret. */
export interface WebhookWriter {
  dialect: string;
  /** The bytes before they are signed; null where the dialect has no word for such an event. */
  encode(event: CanonicalEvent): UnsignedPost | null;
  sign(post: UnsignedPost, options: { id: string; nowMs: number }): OutgoingWebhook;
  /** The same with a key that nobody knows. */
  withOtherKey(): WebhookWriter;
}

/** Throws ConfigError when there is no such dialect, or the secret is none of its. */
export function createWebhookWriter(input: { dialect: string; secret: string }): WebhookWriter {
  const { name, dialect } = findDialect(input.dialect);
  return createWriter(name, dialect, readKey(dialect, readSecret(input.secret)));
}

export const DIALECT_NAMES: readonly string[] = PROVIDERS.filter(
  (one) => one.dialect !== undefined,
).map((one) => one.name);

function findDialect(given: string): { name: string; dialect: Dialect } {
  const { name = '', dialect } = findProvider(given) ?? {};
  if (dialect !== undefined) return { name, dialect };
  const nearest = nearestName(given.toLowerCase(), [...DIALECT_NAMES]);
  const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
  throw new ConfigError(
    `There is no dialect "${given}".${hint} Known: ${DIALECT_NAMES.join(', ')}.`,
  );
}

/** `@FILE` reads it from a file: flags can be seen by others on the machine. */
export function readSecret(given: string): string {
  if (!given.startsWith('@')) return given;
  try {
    return readFileSync(given.slice(1), 'utf8').trim();
  } catch (error) {
    throw new ConfigError(`--secret: ${given.slice(1)} cannot be read: ${messageOf(error)}`);
  }
}

type Key = Pick<DialectKey, 'kind' | 'key'>;

function createWriter(name: string, dialect: Dialect, key: Key): WebhookWriter {
  const sender = { projectId: 'prj_local', options: {} };
  const isList = typeof dialect.lists === 'object';
  return {
    dialect: name,
    encode(event) {
      if (dialect.carries[event.type] === undefined) return null;
      return dialect.encode({ events: [event], isList }, sender);
    },
    sign(post, { id, nowMs }) {
      const keys = [{ id: 'local', ...key }];
      const signed = dialect.sign(post, { id, nowMs, keys, certificateUrl: refuseCertificate });
      return { headers: toRecord(signed.headers), body: signed.body };
    },
    withOtherKey: () => createWriter(name, dialect, { ...key, key: inventKey(key) }),
  };
}

function refuseCertificate(): never {
  throw new ConfigError(
    'Receivers of this dialect fetch a certificate from the sender, so only a server can send to them.',
  );
}

/** Name, value, name, value ... */
function toRecord(headers: readonly string[]): Record<string, string> {
  const record: Record<string, string> = {};
  for (let i = 0; i + 1 < headers.length; i += 2) {
    record[String(headers[i]).toLowerCase()] = String(headers[i + 1]);
  }
  return record;
}

const ASYMMETRIC: Readonly<Record<string, SigningKind>> = {
  rsa: 'rsa',
  ec: 'ecdsa',
  ed25519: 'ed25519',
};

/** A private key is PEM; what else a secret is depends on how the dialect signs. */
function readKey(dialect: Dialect, secret: string): Key {
  const wanted = dialect.signs.join(' or ');
  const found = importKey(dialect.signs, secret);
  if (dialect.signs.includes(found.kind)) return found;
  throw new ConfigError(
    `--secret: this dialect signs with ${wanted}, and this is a key for ${found.kind}.`,
  );
}

function importKey(signs: readonly SigningKind[], secret: string): Key {
  try {
    if (secret.startsWith('-----BEGIN')) {
      const key = createPrivateKey(secret);
      return { kind: ASYMMETRIC[key.asymmetricKeyType ?? ''] ?? 'hmac', key };
    }
    if (signs.includes('v1')) {
      const key = importSecret(secret);
      return { kind: key.type === 'private' ? 'v1a' : 'v1', key };
    }
    if (signs.includes('hmac')) return { kind: 'hmac', key: createSecretKey(secret, 'utf8') };
  } catch (error) {
    throw new ConfigError(`--secret: ${messageOf(error)}`);
  }
  throw new ConfigError(
    `--secret: this dialect signs with ${signs.join(' or ')}: give a private key as PEM, as @FILE.`,
  );
}

function inventKey({ kind, key }: Key): KeyObject {
  if (kind === 'v1' || kind === 'hmac') return createSecretKey(randomBytes(KEY_BYTES));
  if (kind === 'ecdsa') {
    const namedCurve = key.asymmetricKeyDetails?.namedCurve ?? 'prime256v1';
    return generateKeyPairSync('ec', { namedCurve }).privateKey;
  }
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
  return generateKeyPairSync('ed25519').privateKey;
}
