import type { DecodedEvent } from '../../provider.ts';
import { addressesOf, addressOf } from '../read/addresses.ts';
import { list, text } from '../read/fields.ts';
import { buildEvent } from './build-event.ts';

/** Inbound mail that a provider took in and posts: `email.received`, once for each recipient. */

export interface InboundDraft {
  providerType: unknown;
  providerEventId?: unknown;
  timestamp: string | null;
  /** Of the envelope where it is given, else of the header `To`; addresses or headers of them. */
  recipients: readonly unknown[];
  from: unknown;
  subject: unknown;
  smtpId: unknown;
  providerId?: unknown;
  stream?: unknown;
  sentAt: string | null;
  tags?: unknown;
  raw: unknown;
}

export function buildInbound(provider: string, draft: InboundDraft): DecodedEvent[] {
  const found = draft.recipients.flatMap((one) => {
    const several = addressesOf(one);
    return several.length > 0 ? several : list(addressOf(one));
  });
  const recipients = found.length === 0 ? [null] : [...new Set(found)];
  return recipients.map((recipient) =>
    buildEvent(provider, {
      type: 'email.received',
      providerType: draft.providerType,
      providerEventId: draft.providerEventId,
      timestamp: draft.timestamp,
      message: {
        smtpId: draft.smtpId,
        providerId: draft.providerId,
        from: draft.from,
        subject: draft.subject,
        stream: draft.stream,
        sentAt: draft.sentAt,
      },
      recipient,
      tags: draft.tags,
      raw: draft.raw,
    }),
  );
}

const MAX_HEADER_CHARS = 65_536;

/** A header out of a mail, or out of its header section alone; unfolded (RFC 5322 2.2.3). */
export function mailHeader(mail: unknown, name: string): string | null {
  const head = (text(mail) ?? '').slice(0, MAX_HEADER_CHARS).split(/\r?\n\r?\n/, 1)[0] ?? '';
  const wanted = `${name.toLowerCase()}:`;
  const lines = head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  const line = lines.find((one) => one.toLowerCase().startsWith(wanted));
  return line === undefined ? null : text(line.slice(wanted.length));
}
