import { toInboundAddress } from '../../core/mail/inbound-route.ts';
import { domainOf } from '../../core/mail/mail-domain.ts';
import { createTokenBucket } from '../../lib/token-bucket.ts';
import { checkEnvelopeAddress } from '../../smtp/check-envelope-address.ts';
import type { IncomingDoor, IncomingMail, IncomingRefusal } from '../../smtp/incoming/incoming.ts';
import type { MessageAcceptor } from '../accept-message.ts';
import { composeNotice } from '../compose-notice.ts';
import type { DomainDirectory } from '../domains/domain-directory.ts';
import type { MessageInput } from '../message-input.ts';
import { endLinesWithCrlf } from '../mime/end-lines.ts';
import { readSubmission } from '../read-submission.ts';

export interface PostmasterSettings {
  hostname: string;
  returnPathDomain: string | null;
  maxMessageSize: number;
  /** Where it goes on to; null: nobody has said. */
  postmasterAddress: string | null;
  noticeFrom: string | null;
}

/** RFC 5321 4.5.1 asks for the first, RFC 2142 for the second of who runs a mail server. */
const LOCAL_PARTS = new Set(['postmaster', 'abuse']);
/** People write a few of these a year; whoever writes this many does not write to be read. */
const MAILS_PER_MINUTE = 60;
/** Mailboxes that forward to each other before it comes back to us. */
const MAX_HOPS = 10;
const MAX_SUBJECT_CHARS = 200;

const LATER: IncomingRefusal = { code: 451, text: '4.7.1 Too much mail at once; try again later' };
const LOOPING: IncomingRefusal = { code: 554, text: '5.4.6 The mail goes round in a circle' };

/**
 * Takes mail to the people who run this server, at its own names and at all domains that are proven here, and
 * hands it on: attached to a mail of our own, so that nothing of a stranger's is ever signed or sent in his name.
 * It belongs after the door of inbound routes: a project may read these addresses of its domain itself.
 */
export function createPostmasterDoor(deps: {
  config: PostmasterSettings;
  directory: Pick<DomainDirectory, 'findProven'>;
  accept: MessageAcceptor['acceptInput'];
  /** The one that what is handed on counts to; null where none is made yet. */
  firstProject: () => string | null;
  now: () => number;
}): IncomingDoor {
  const { config, now } = deps;
  const { postmasterAddress: to } = config;
  const ownNames = new Set(
    [config.hostname, config.returnPathDomain].flatMap((name) => name?.toLowerCase() ?? []),
  );
  const ratePerSecond = MAILS_PER_MINUTE / 60;
  const bucket = createTokenBucket({ ratePerSecond, capacity: MAILS_PER_MINUTE });

  function isOurs(given: string): boolean {
    const address = toWholeAddress(given, config.hostname);
    const host = domainOf(address);
    if (!LOCAL_PARTS.has(address.slice(0, -host.length - 1))) return false;
    return ownNames.has(host) || deps.directory.findProven(host).length > 0;
  }

  return {
    maxSizeBytes: config.maxMessageSize,
    keepBytes: config.maxMessageSize,
    async knows(address) {
      if (!isOurs(address)) return false;
      if (to === null) return explainUnset(address);
      return (deps.firstProject() !== null && bucket.take(now()).allowed) || LATER;
    },
    async take(mail) {
      const projectId = deps.firstProject();
      if (to === null || projectId === null) return LATER;
      const notice = composeForward(mail, {
        to,
        from: config.noticeFrom ?? `posthorn@${config.hostname}`,
        hostname: config.hostname,
      });
      if (notice === null) return LOOPING;
      await deps.accept(projectId, notice, () => []);
      return null;
    },
  };
}

/** Without a domain it is the postmaster of whoever is asked (RFC 5321 4.5.1). */
function toWholeAddress(address: string, hostname: string): string {
  const isBare = address.toLowerCase() === 'postmaster';
  return toInboundAddress(isBare ? `${address}@${hostname}` : address);
}

function explainUnset(address: string): IncomingRefusal {
  return {
    code: 550,
    text: `5.1.1 Nobody reads ${address.split('@')[0]?.toLowerCase()} here: the setting postmaster_address of this server is empty`,
  };
}

/** Null where it has been here before (RFC 9228: Delivered-To tells). */
function composeForward(
  mail: IncomingMail,
  given: { to: string; from: string; hostname: string },
): MessageInput | null {
  const deliveredTo = toWholeAddress(mail.recipients[0] ?? 'postmaster', given.hostname);
  const { fields, from, subject } = readSubmission(mail.raw);
  const before = fields
    .filter(({ name }) => name === 'delivered-to')
    .map(({ value }) => value.trim().toLowerCase());
  if (before.includes(deliveredTo) || before.length >= MAX_HOPS) return null;
  const sender = from !== null && checkEnvelopeAddress(from, false).ok ? from : null;
  const title = (subject ?? '').replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, MAX_SUBJECT_CHARS);
  const notice = composeNotice({
    from: given.from,
    to: given.to,
    subject: `[${deliveredTo}] ${title}`.trim(),
    text: [
      `This mail came to ${deliveredTo} at your mail server ${given.hostname}, and is attached as it came.`,
      '',
      `From:     ${sender ?? 'nobody who can be answered'}`,
      `Envelope: <${mail.from}>`,
      `Server:   ${mail.helo} (${mail.remoteAddress})`,
      '',
    ].join('\n'),
  });
  const tracks = [...before, deliveredTo].filter((one) => checkEnvelopeAddress(one, false).ok);
  return {
    ...notice,
    replyTo: sender === null ? [] : [{ email: sender, name: null }],
    headers: [...notice.headers, ...tracks.map((value) => ({ name: 'Delivered-To', value }))],
    attachments: [
      {
        filename: 'mail.eml',
        content: endLinesWithCrlf(mail.raw),
        contentType: 'message/rfc822',
        contentId: null,
      },
    ],
  };
}
