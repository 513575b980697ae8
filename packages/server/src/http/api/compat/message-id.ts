import { createHash } from 'node:crypto';
import type { Ids } from '../../../core/ids.ts';
import type { KeyedRequest } from '../../remember-answers.ts';

/**
 * A Message-ID under the sender's domain. These APIs answer with it, so it is given to the message
 * instead of being left to us; under an Idempotency-Key it is the same each time. Null when the sender
 * has no domain; the message is refused for it then.
 */
export function makeMessageId(
  ids: Ids,
  sender: string,
  keyed: Pick<KeyedRequest, 'projectId' | 'key' | 'path'> | null = null,
): string | null {
  const domain = /@([^\s<>@]+?)>?\s*$/.exec(sender)?.[1] ?? null;
  if (domain === null) return null;
  const local = keyed === null ? ids.next('message').slice(4).toLowerCase() : hash(keyed);
  return `<${local}@${domain}>`;
}

function hash({ projectId, key, path }: Pick<KeyedRequest, 'projectId' | 'key' | 'path'>): string {
  const parts = JSON.stringify([projectId, path, key]);
  return createHash('sha256').update(parts).digest('hex').slice(0, 32);
}
