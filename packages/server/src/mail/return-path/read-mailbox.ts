import { MAX_REPORT_BYTES } from '@posthorn/bounce';
import type { ImapFlow } from 'imapflow';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { MailboxPlace } from './parse-mailbox-url.ts';
import type { TakenMail } from './report-taker.ts';

/** Reads the mail of one mailbox, for one node at a time. */
export interface MailboxReader {
  /** Reads what is new; resolves to when to come again, ms. Rejects where the server does not let us. */
  round(): Promise<number>;
  /** Ends a round that is under way; what it has not stored is read by the next one. */
  abort(): void;
}

/** Mails in one round; between two rounds others have a turn. */
const MAILS_AT_ONCE = 50;
const CONNECT_TIMEOUT_MS = 30_000;
const SOCKET_TIMEOUT_MS = 60_000;

/**
 * A mail that told us something is moved to the folder `done`, after the commit: a crash in between reads
 * it once more, and its events are there already. All other mail stays as it is, not even marked as seen,
 * since a person may read the same mailbox. What was looked at is remembered in memory by its UID.
 */
export function createMailboxReader(deps: {
  place: MailboxPlace;
  done: string;
  everyMs: number;
  take(raw: Uint8Array): Promise<TakenMail>;
  log: Log;
}): MailboxReader {
  const { place, done, log } = deps;
  let validity: bigint | null = null;
  let lastUid = 0;
  let current: ImapFlow | null = null;
  let isAborted = false;

  async function newUids(client: ImapFlow): Promise<number[]> {
    // Numbers of an earlier folder of the same name say nothing (RFC 9051 2.3.1.1).
    const found = client.mailbox === false ? null : client.mailbox.uidValidity;
    if (found !== validity) lastUid = 0;
    validity = found;
    const uids = await client.search({ uid: `${lastUid + 1}:*` }, { uid: true });
    // "5:*" is "4:5" where 4 is the last there is.
    return (uids || []).filter((uid) => uid > lastUid).sort((a, b) => a - b);
  }

  async function readOne(client: ImapFlow, uid: number): Promise<void> {
    const query = { source: { start: 0, maxLength: MAX_REPORT_BYTES } };
    const found = await client.fetchOne(String(uid), query, { uid: true });
    const source = found === false ? undefined : found?.source;
    const taken = source === undefined ? 'unwanted' : await deps.take(source);
    if (taken === 'recorded' || taken === 'quiet') {
      const moved = await client.messageMove(String(uid), done, { uid: true });
      if (moved === false) log.warn({ folder: done }, 'A report that was read could not be moved');
    }
    lastUid = uid;
  }

  async function ensureFolder(client: ImapFlow): Promise<void> {
    const folders = await client.list();
    if (!folders.some(({ path }) => path === done)) await client.mailboxCreate(done);
  }

  return {
    async round() {
      isAborted = false;
      const client = await createClient(place);
      current = client;
      // Whoever waits for an answer hears of it by a rejection; without a listener it would end the process.
      client.on('error', () => {});
      try {
        if (isAborted) throw new Error('ended before it began');
        await client.connect();
        await client.mailboxOpen(place.folder);
        const uids = await newUids(client);
        if (uids.length > 0) await ensureFolder(client);
        for (const uid of uids.slice(0, MAILS_AT_ONCE)) await readOne(client, uid);
        await client.logout();
        return uids.length > MAILS_AT_ONCE ? 0 : deps.everyMs;
      } catch (error) {
        throw new Error(`bounce_mailbox at ${place.host}: ${explain(error)}`, { cause: error });
      } finally {
        current = null;
        client.close();
      }
    },
    abort() {
      isAborted = true;
      current?.close();
    },
  };
}

/** The library calls all of its failures "Command failed"; the server's own words say more. */
function explain(error: unknown): string {
  const isWordy = error instanceof Error && 'responseText' in error;
  return isWordy && error.responseText ? String(error.responseText) : messageOf(error);
}

async function createClient(place: MailboxPlace): Promise<ImapFlow> {
  const { host, port, secure, requireTls, user, pass } = place;
  // Few servers have a mailbox to read, and all of them have to start.
  const { ImapFlow } = await import('imapflow');
  return new ImapFlow({
    host,
    port,
    secure,
    ...(secure || !requireTls ? {} : { doSTARTTLS: true }),
    auth: { user, pass },
    logger: false,
    disableAutoIdle: true,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
  });
}
