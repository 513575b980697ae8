import type { Ids } from '../../../core/ids.ts';

/**
 * A Message-ID under the sender's domain. These APIs answer with it, so it is given to the message
 * instead of being left to us. Null when the sender has no domain; the message is refused for it then.
 */
export function makeMessageId(ids: Ids, sender: string): string | null {
  const domain = /@([^\s<>@]+?)>?\s*$/.exec(sender)?.[1] ?? null;
  return domain === null ? null : `<${ids.next('message').slice(4).toLowerCase()}@${domain}>`;
}
