import { createHash } from 'node:crypto';
import type { CanonicalEvent } from '@posthorn/sdk';
import type { Ids } from '../../core/ids.ts';
import { toInboundAddress } from '../../core/mail/inbound-route.ts';
import { toComparableAddress } from '../../core/mail/mail-domain.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { IncomingMail } from '../../smtp/incoming/incoming.ts';
import { StoreConflict } from '../../store/engine.ts';
import type { EventLog } from '../../store/log/event-log.ts';
import type { InboundRoute } from '../../store/mail/inbound-routes.ts';
import type { ReceivedMail, ReceivedMails } from '../../store/mail/received-mail.ts';
import type { FindRoutes } from './find-routes.ts';
import { cutInbound, cutText, type FileUrls, toDetails, toInbound } from './inbound-block.ts';
import type { MailReader } from './read/mail-reader.ts';
import { NOT_KNOWN, type ReadMail } from './read/protocol.ts';
import { findHeaderEnd, isLooping, traceHeaders } from './trace-header.ts';

/** `taken`: stored, or it was there already. `looping`, `unknown`: nothing was stored. */
export type TakenInbound = 'taken' | 'looping' | 'unknown';

/**
 * Stores a mail for each recipient and each project that takes it, with `email.received`, and resolves when
 * it is on disk. Rejects with StoreUnavailable, and for nothing in the mail.
 */
export type TakeMail = (mail: IncomingMail) => Promise<TakenInbound>;

/** A mail whose words could not be read is a mail all the same. */
const UNREAD: ReadMail = {
  mail: {
    headers: [],
    from: null,
    to: [],
    cc: [],
    replyTo: [],
    subject: null,
    messageId: null,
    inReplyTo: null,
    references: [],
    dateMs: null,
    text: null,
    html: null,
    replyText: null,
    attachments: [],
  },
  authentication: NOT_KNOWN,
};

export function createTakeMail(deps: {
  hostname: string;
  findRoutes: FindRoutes;
  reader: Pick<MailReader, 'read'>;
  received: Pick<ReceivedMails, 'insertion' | 'hasDigest'>;
  log: EventLog;
  retentionOf: (projectId: string) => { retentionMs: number; bodyRetentionMs: number };
  /** Null where there are none. */
  urlsOf: (projectId: string, receivedId: string, keptUntilMs: number) => FileUrls | null;
  ids: Ids;
  now: () => number;
  logger: Pick<Log, 'warn'>;
}): TakeMail {
  const { hostname, received, ids } = deps;

  async function read(mail: IncomingMail): Promise<ReadMail> {
    const { from, remoteAddress, helo, raw } = mail;
    try {
      return await deps.reader.read(raw, { from, remoteAddress, helo, hostname });
    } catch (error) {
      deps.logger.warn({ error: messageOf(error) }, 'An inbound mail could not be read');
      return UNREAD;
    }
  }

  async function store(
    mail: IncomingMail,
    given: { recipient: string; route: InboundRoute; words: ReadMail; digest: string },
  ): Promise<void> {
    const { recipient, route, words, digest } = given;
    const { projectId } = route;
    const id = ids.next('received');
    const atMs = deps.now();
    const { retentionMs, bodyRetentionMs } = deps.retentionOf(projectId);
    const trace = traceHeaders(mail, { hostname, id, recipient, atMs });
    const record: ReceivedMail = {
      projectId,
      id,
      recipient,
      routeId: route.id,
      envelopeFrom: mail.from,
      headerFrom: words.mail.from?.address ?? null,
      subject: words.mail.subject,
      smtpId: words.mail.messageId,
      digest,
      sizeBytes: mail.raw.length,
      details: toDetails(recipient, mail.from, words),
      createdAtMs: atMs,
      retainUntilMs: atMs + retentionMs,
    };
    const keptUntilMs = atMs + bodyRetentionMs;
    const keepsBytes = bodyRetentionMs > 0;
    const urls = keepsBytes ? deps.urlsOf(projectId, id, keptUntilMs) : null;
    const event = toEvent(record, {
      id: ids.next('event'),
      tags: route.tags,
      dateMs: words.mail.dateMs,
      inbound: cutInbound(toInbound(record, words.mail, urls)),
    });
    const raw = Buffer.concat([trace, mail.raw]);
    const body = keepsBytes ? { raw, retainUntilMs: keptUntilMs } : null;
    try {
      await deps.log.append(
        [{ projectId, event, dedupKey: null }],
        received.insertion(record, body),
      );
    } catch (error) {
      // Stored in the same moment by another connection: the sender's second try, say.
      if (!(error instanceof StoreConflict) || !(await received.hasDigest(projectId, digest)))
        throw error;
    }
  }

  return async (mail) => {
    if (isLooping(mail.raw)) return 'looping';
    const wanted = await Promise.all(
      [...new Set(mail.recipients.map(toComparableAddress))].map(async (recipient) =>
        (await deps.findRoutes(recipient)).map((route) => ({ recipient, route })),
      ),
    );
    const targets = wanted.flat();
    if (targets.length === 0) return 'unknown';
    let words: ReadMail | null = null;
    for (const target of targets) {
      const digest = digestOf(mail.raw, target.recipient);
      if (await received.hasDigest(target.route.projectId, digest)) continue;
      words ??= await read(mail);
      await store(mail, { ...target, words, digest });
    }
    return 'taken';
  };
}

/**
 * What makes two mails the same one: recipient, Message-ID and body. A second try of the sender has the same;
 * who copies a Message-ID onto another text does not keep that one out.
 */
function digestOf(raw: Buffer, recipient: string): string {
  const end = findHeaderEnd(raw);
  const header = raw.toString('latin1', 0, end);
  const messageId = /^message-id[ \t]*:[ \t\r\n]*(\S{1,998})/im.exec(header)?.[1];
  const hash = createHash('sha256').update(`${toInboundAddress(recipient)}\n${messageId ?? ''}\n`);
  // Without an id, two mails with the same words may be two: their headers tell.
  hash.update(messageId === undefined ? raw : raw.subarray(end));
  return hash.digest('base64url');
}

function toEvent(
  mail: ReceivedMail,
  given: {
    id: string;
    tags: string[];
    dateMs: number | null;
    inbound: NonNullable<CanonicalEvent['data']['inbound']>;
  },
): CanonicalEvent {
  const timestamp = toTimestamp(mail.createdAtMs);
  return {
    id: given.id,
    type: 'email.received',
    timestamp,
    data: {
      provider: 'posthorn',
      source: null,
      received_at: timestamp,
      message: {
        id: null,
        smtp_id: cutText(mail.smtpId, 500),
        provider_id: null,
        from: cutText(mail.headerFrom, 340),
        subject: cutText(mail.subject, 500),
        sent_at: given.dateMs === null ? null : toTimestamp(given.dateMs),
      },
      recipient: mail.recipient,
      recipient_inferred: false,
      tags: given.tags,
      metadata: {},
      inbound: given.inbound,
    },
  };
}
