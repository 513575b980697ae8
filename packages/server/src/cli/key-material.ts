import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, ConfigError } from '../config.ts';
import { messageOf } from '../lib/errors.ts';
import { createKeyFile, replaceKeyFile, writeKeyFile } from '../lib/secrets/key-file.ts';

/** What settings name by file, read once at the start. */
export interface KeyMaterial extends MasterKeys {
  submissionTls: { key: string; cert: string } | null;
  endpointCa: string | null;
}

/** The key of the secrets in the store, and the one that a rotation puts in its place. */
export interface MasterKeys {
  masterKey: Uint8Array;
  /** Only while a rotation is asked for, or after one that was cut short. */
  nextMasterKey: NextMasterKey | null;
}

export interface NextMasterKey {
  key: Uint8Array;
  /** A file or a setting, for people. */
  where: string;
  /** Makes it the key of the next start, once the store is sealed with it. Says what is left to do. */
  adopt(nowMs: number): string;
}

const MASTER_KEY_BYTES = 32;

/**
 * Reads keys and certificates. Without a master key setting, `master.key` in the data folder is
 * read, or made at the first start (mode 0600). Throws ConfigError.
 */
export function loadKeyMaterial(config: Config): KeyMaterial {
  const { smtpTlsKey, smtpTlsCert } = config;
  if ((smtpTlsKey === null) !== (smtpTlsCert === null)) {
    throw new ConfigError('smtp_tls_key and smtp_tls_cert belong together: give both or neither.');
  }
  const submissionTls =
    smtpTlsKey === null || smtpTlsCert === null
      ? null
      : { key: readPem('smtp_tls_key', smtpTlsKey), cert: readPem('smtp_tls_cert', smtpTlsCert) };
  if (config.smtpRequireTls && submissionTls === null) {
    throw new ConfigError('smtp_require_tls needs smtp_tls_key and smtp_tls_cert.');
  }
  if (config.smtpTlsPort !== null && submissionTls === null) {
    throw new ConfigError('smtp_tls_port needs smtp_tls_key and smtp_tls_cert.');
  }
  if ((config.oidcIssuer === null) !== (config.oidcClientId === null)) {
    throw new ConfigError('oidc_issuer and oidc_client_id belong together: give both or neither.');
  }
  if (config.oidcRoles.length > 0 && config.oidcRoleClaim === null) {
    throw new ConfigError('oidc_roles needs oidc_role_claim, the claim that has these values.');
  }
  const endpointCa = config.endpointCa === null ? null : readPem('endpoint_ca', config.endpointCa);
  return { ...loadMasterKeys(config), submissionTls, endpointCa };
}

function readPem(name: string, file: string): string {
  try {
    const content = readFileSync(file, 'utf8');
    if (content.includes('-----BEGIN ')) return content;
  } catch (error) {
    throw new ConfigError(`${name}: ${file} cannot be read: ${messageOf(error)}`);
  }
  throw new ConfigError(`${name}: ${file} is not a PEM file.`);
}

/**
 * The master key is a setting, or the file `master.key` in the data folder. A new one is, accordingly,
 * the setting `new_master_key`, or the file `master.key.new` until it takes the other's place.
 */
export function loadMasterKeys(config: Config): MasterKeys {
  const { masterKey, newMasterKey } = config;
  if (masterKey === null) {
    const files = masterKeyFiles(config);
    const key = readMasterKeyFile(config, files.current);
    return { masterKey: key, nextMasterKey: existsSync(files.next) ? nextFromFile(files) : null };
  }
  const nextMasterKey = newMasterKey === null ? null : nextFromSetting(newMasterKey);
  return { masterKey: decodeMasterKey('master_key', masterKey), nextMasterKey };
}

/**
 * A new master key where the next start finds it: the setting `new_master_key`, or one that is made.
 * In a file it is on disk when this returns. Throws ConfigError.
 */
export function prepareMasterKey(config: Config): NextMasterKey {
  const { masterKey, newMasterKey } = config;
  if (masterKey !== null) {
    if (newMasterKey !== null) return nextFromSetting(newMasterKey);
    throw new ConfigError(
      'The master key is a setting here, so the new one has to be one too: set POSTHORN_NEW_MASTER_KEY to what "openssl rand -base64 32" prints.',
    );
  }
  const files = masterKeyFiles(config);
  const key =
    newMasterKey === null
      ? randomBytes(MASTER_KEY_BYTES)
      : decodeMasterKey('new_master_key', newMasterKey);
  writeKeyFile(files.next, key);
  return nextFromFile(files);
}

function masterKeyFiles({ data }: Config): { current: string; next: string } {
  const current = join(data, 'master.key');
  return { current, next: `${current}.new` };
}

function nextFromFile({ current, next }: { current: string; next: string }): NextMasterKey {
  return {
    key: decodeMasterKey(next, readFileSync(next, 'utf8').trim()),
    where: next,
    adopt(nowMs) {
      // Copies of the store from before can only be opened with the old one.
      const kept = `${current}.until-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`;
      replaceKeyFile(current, next, kept);
      return `The new key is in ${current}: keep a copy of it elsewhere. The old one is kept in ${kept} for copies of the store that were made before; delete it when you have none.`;
    },
  };
}

function nextFromSetting(newMasterKey: string): NextMasterKey {
  return {
    key: decodeMasterKey('new_master_key', newMasterKey),
    where: 'new_master_key',
    adopt: () =>
      'From now on give it as POSTHORN_MASTER_KEY, and no POSTHORN_NEW_MASTER_KEY any more. Keep the old key for copies of the store that were made before.',
  };
}

function readMasterKeyFile(config: Config, file: string): Uint8Array {
  if (!existsSync(file)) {
    // The store must not exist without its key: a lost key would be replaced silently otherwise.
    if (existsSync(join(config.data, 'posthorn.sqlite'))) {
      throw new ConfigError(
        `${file} is missing, and the secrets in the store were sealed with it. Restore the file, or set POSTHORN_MASTER_KEY.`,
      );
    }
    try {
      mkdirSync(config.data, { recursive: true, mode: 0o700 });
      createKeyFile(file, randomBytes(MASTER_KEY_BYTES));
    } catch (error) {
      throw new ConfigError(`data: the folder ${config.data} cannot be used: ${messageOf(error)}`);
    }
  }
  return decodeMasterKey(file, readFileSync(file, 'utf8').trim());
}

function decodeMasterKey(name: string, encoded: string): Uint8Array {
  const key = Buffer.from(encoded, 'base64');
  if (key.length === MASTER_KEY_BYTES) return key;
  throw new ConfigError(
    `${name}: a master key is ${MASTER_KEY_BYTES} bytes in base64, such as "openssl rand -base64 32" prints.`,
  );
}
