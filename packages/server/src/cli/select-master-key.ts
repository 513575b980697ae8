import { randomBytes } from 'node:crypto';
import type { Log } from '../lib/log.ts';
import { createSecretBox, type SecretBox } from '../lib/secrets/secret-box.ts';
import type { SealedValues } from '../store/sealed-values.ts';
import type { MasterKeys } from './key-material.ts';

/**
 * Which of the keys the store is sealed with. `unused`: with none yet. A rotation seals the store in
 * one commit and puts the new key in its place after that, so after a crash either the old one fits
 * (nothing had happened) or the new one (only its place is missing).
 */
export type KeyFit = 'unused' | 'current' | 'next' | 'neither';

export async function findFittingKey(
  sealed: Pick<SealedValues, 'fits'>,
  { masterKey, nextMasterKey }: MasterKeys,
): Promise<KeyFit> {
  const fits = await sealed.fits(createSecretBox(masterKey));
  if (fits === null) return 'unused';
  if (fits) return 'current';
  if (nextMasterKey === null) return 'neither';
  return (await sealed.fits(createSecretBox(nextMasterKey.key))) === true ? 'next' : 'neither';
}

/**
 * The box for the store's secrets, at a start. Ends a rotation that was cut short, and says so. Throws
 * for a key that the store was not sealed with, before anything is sealed with it.
 */
export async function openSecretBox(
  sealed: Pick<SealedValues, 'fits' | 'begin' | 'root'>,
  keys: MasterKeys,
  { log, nowMs }: { log: Pick<Log, 'warn'>; nowMs: number },
): Promise<SecretBox> {
  const { masterKey, nextMasterKey } = keys;
  const fit = await findFittingKey(sealed, keys);
  if (fit === 'neither') throw new Error(WRONG_KEY);
  if (fit === 'next' && nextMasterKey !== null) {
    const todo = nextMasterKey.adopt(nowMs);
    log.warn(
      { key: nextMasterKey.where },
      `The store is sealed with the new master key already: a rotation was cut short, and is done now. ${todo}`,
    );
    return withRoot(sealed, nextMasterKey.key);
  }
  const box = createSecretBox(masterKey);
  if (fit === 'unused') await sealed.begin(box);
  else if (nextMasterKey !== null) {
    log.warn(
      { key: nextMasterKey.where },
      'There is a new master key, and the store is sealed with the old one: a rotation did not take place. Run posthorn rotate-master-key again, or remove the new key.',
    );
  }
  return withRoot(sealed, masterKey);
}

async function withRoot(
  sealed: Pick<SealedValues, 'root'>,
  masterKey: Uint8Array,
): Promise<SecretBox> {
  const root = await sealed.root(createSecretBox(masterKey), randomBytes(32));
  return createSecretBox(masterKey, root);
}

export const WRONG_KEY =
  'A stored secret does not open with this master key. Was the file master.key or POSTHORN_MASTER_KEY changed?';
