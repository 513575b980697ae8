import { MAX_REPORT_BYTES } from '@posthorn/bounce';
import { messageOf } from '../../../lib/errors.ts';
import type { MailboxPlace } from '../parse-mailbox-url.ts';
import type { MailboxReader } from '../read-mailbox.ts';
import type { TakenMail } from '../report-taker.ts';
import { openPop3, type Pop3Client } from './pop3-client.ts';

/** Mails in one round; between two rounds others have a turn. */
const MAILS_AT_ONCE = 50;
const TIMEOUT_MS = 60_000;

/**
 * POP3 has no folders: a mail that told us something is deleted, after the commit. A crash in between, or a
 * server that does not answer QUIT, and it is read once more; its events are there already. All other mail
 * stays, and is known by its UIDL.
 */
export function createPop3MailboxReader(deps: {
  place: MailboxPlace;
  everyMs: number;
  take(raw: Uint8Array): Promise<TakenMail>;
  /** Beside the system's authorities. */
  ca?: string;
}): MailboxReader {
  const { place } = deps;
  /** Mails that are there, and were looked at in vain. */
  let looked = new Set<string>();
  let close = (): void => {};

  async function readNew(client: Pop3Client): Promise<number> {
    const mails = await client.list();
    const there = new Set(mails.map(({ uid }) => uid));
    looked = looked.intersection(there);
    const fresh = mails.filter(({ uid }) => !looked.has(uid));
    for (const { number, uid } of fresh.slice(0, MAILS_AT_ONCE)) {
      const taken = await deps.take(await client.retrieve(number, MAX_REPORT_BYTES));
      if (taken === 'recorded' || taken === 'quiet') await client.remove(number);
      else looked.add(uid);
    }
    return fresh.length;
  }

  return {
    async round() {
      let client: Pop3Client | null = null;
      try {
        client = await openPop3(place, {
          timeoutMs: TIMEOUT_MS,
          ...(deps.ca === undefined ? {} : { ca: deps.ca }),
          onOpen(one) {
            close = one;
          },
        });
        const count = await readNew(client);
        await client.quit();
        return count > MAILS_AT_ONCE ? 0 : deps.everyMs;
      } catch (error) {
        // What was stored before the fault is deleted now rather than read again.
        await client?.quit().catch(() => {});
        throw new Error(`bounce_mailbox at ${place.host}: ${messageOf(error)}`, { cause: error });
      } finally {
        client?.close();
      }
    },
    abort: () => close(),
  };
}
