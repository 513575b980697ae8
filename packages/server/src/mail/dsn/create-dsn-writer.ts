import type { Ids } from '../../core/ids.ts';
import { NOTICE_TAG } from '../../core/mail/notice-tag.ts';
import type { MessageRecord, Messages } from '../../store/mail/messages.ts';
import {
  createDraftPreparer,
  type DraftStoreOptions,
  type PreparedDraft,
} from '../store-drafts.ts';
import { composeDsn, type DsnEntry } from './compose-dsn.ts';

/** Tells senders what became of their messages, where they asked for it (RFC 3461). */
export interface DsnWriter {
  /**
   * A report on these recipients of a message, to be committed with what it tells of; null where there is
   * nobody to tell. Rejects with StoreUnavailable.
   */
  write(message: MessageRecord, entries: readonly DsnEntry[]): Promise<PreparedDraft | null>;
}

/** A larger message is not given back whole, though it was asked for: it is the sender's own. */
const MAX_RETURNED_BYTES = 1_048_576;

/** The report is a message like others, in the queue and in the log, from the null sender: nobody answers it. */
export function createDsnWriter(
  options: Omit<DraftStoreOptions, 'fresh'> & {
    messages: Pick<Messages, 'raw'>;
    ids: Ids;
    hostname: string;
    /** Something waits in the queue from then on. */
    wake: (atMs: number) => void;
  },
): DsnWriter {
  const { ids, hostname, clock } = options;
  // A report is small and never urgent: it is read back from the queue like what waited there.
  const fresh = { reserve: () => null, take() {}, drop() {}, wake: options.wake };
  const prepare = createDraftPreparer({ ...options, fresh });

  async function bytesOf(message: MessageRecord, isFailure: boolean) {
    const raw = await options.messages.raw(message.projectId, message.id);
    if (raw === null) return null;
    const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
    // RFC 3461 4.3: RET is about failures alone.
    const isWhole = isFailure && message.dsn?.ret === 'full' && bytes.length <= MAX_RETURNED_BYTES;
    if (isWhole) return { bytes, isWhole };
    const blank = bytes.indexOf('\r\n\r\n');
    return { bytes: bytes.subarray(0, blank === -1 ? 0 : blank + 2), isWhole };
  }

  return {
    async write(message, entries) {
      // The null sender is never told (RFC 5321 4.5.5), or two servers would tell each other for ever.
      if (entries.length === 0 || message.envelopeFrom === '') return null;
      const { projectId, sandbox, envelopeFrom: to } = message;
      const id = ids.next('message');
      const mark = id.slice(4).toLowerCase();
      const smtpId = `<${mark}@${hostname}>`;
      const isFailure = entries.some(({ action }) => action === 'failed');
      const composed = composeDsn({
        ...{ hostname, to, smtpId, entries },
        boundary: `posthorn-${mark}`,
        atMs: clock.now(),
        about: {
          smtpId: message.smtpId,
          envid: message.dsn?.envid ?? null,
          arrivedAtMs: message.createdAtMs,
        },
        returned: await bytesOf(message, isFailure),
      });
      return prepare({
        fields: {
          ...{ projectId, id, sandbox, smtpId },
          acceptedBy: message.acceptedBy,
          envelopeFrom: '',
          headerFrom: `MAILER-DAEMON@${hostname}`,
          subject: null,
          stream: 'transactional',
          tags: [NOTICE_TAG],
          metadata: {},
          tracking: null,
          dsn: null,
          sendAtMs: null,
        },
        composed,
        recipients: [{ address: to, kind: 'envelope' }],
        hold: null,
      });
    },
  };
}
