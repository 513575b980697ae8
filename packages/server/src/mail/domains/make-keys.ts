import { randomBytes } from 'node:crypto';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';
import type { DkimKeyRecord, DomainRecord } from '../../store/mail/domains.ts';
import { dkimContext } from '../../store/sealed-values.ts';
import { generateKey } from '../dkim/generate-keys.ts';
import { DKIM_ALGORITHMS } from '../dkim/sign-message.ts';

/** New keys of a domain: an RSA one for everybody, an Ed25519 one for those who read it. */
export async function makeKeys(
  { projectId, id: domainId }: Pick<DomainRecord, 'projectId' | 'id'>,
  state: 'active' | 'next',
  { secretBox, nowMs }: { secretBox: Pick<SecretBox, 'seal'>; nowMs: number },
): Promise<DkimKeyRecord[]> {
  // A name that was never used before: old records may be kept by DNS for days.
  const turn = randomBytes(4).toString('hex');
  const keys = await Promise.all(
    DKIM_ALGORITHMS.map(async (algorithm) => {
      const selector = `ph${turn}-${algorithm}`;
      const { publicKey, privateKey } = await generateKey(algorithm);
      const key = { projectId, domainId, selector };
      const privateSealed = secretBox.seal(privateKey, dkimContext(key));
      const times = { createdAtMs: nowMs, retiredAtMs: null };
      return { ...key, algorithm, state, publicKey, privateSealed, ...times };
    }),
  );
  return keys.sort((a, b) => (a.selector < b.selector ? -1 : 1));
}
