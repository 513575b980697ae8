import { domainToASCII } from 'node:url';
import type { Ids } from '../core/ids.ts';
import { domainOf } from '../core/mail-domain.ts';
import type { Clock } from '../lib/clock.ts';
import { PosthornError } from '../lib/errors.ts';
import type { Statement } from '../store/engine.ts';
import type { EventLog } from '../store/event-log.ts';
import type { MessageRecord, Messages, NewTransmission, RecipientKind } from '../store/messages.ts';
import { composeMessage } from './compose-message.ts';
import type { SenderRules } from './domains/sender-rules.ts';
import { createMailEvent } from './mail-event.ts';
import type { MessageInput } from './message-input.ts';
import { prepareSubmission, readSubmission } from './read-submission.ts';
import { senderHeaders } from './sender-headers.ts';
import type { SuppressionCheck } from './suppression/suppression-check.ts';
import { toSuppressionBlock } from './suppression/suppression-event.ts';

/** Takes a freshly committed message over from memory. Declared here, implemented by deliverer.ts. */
export interface FreshMail {
  /** Whether there is room; a promise to call `take` or `drop` after the commit. */
  reserve(sizeBytes: number, domains: readonly string[]): { node: string } | null;
  take(message: MessageRecord, raw: Uint8Array, transmissions: readonly NewTransmission[]): void;
  drop(sizeBytes: number, domains: readonly string[]): void;
  /** The message waits in the store. */
  wake(dueAtMs: number): void;
}

export interface AcceptedMessage {
  messageId: string;
  recipients: { address: string; kind: RecipientKind }[];
}

/** Resolves when message, queue entries and events are on disk; rejects with StoreUnavailable. */
export interface MessageAcceptor {
  acceptInput(
    projectId: string,
    input: MessageInput,
    /** Statements of the request itself, given the answer that it will get. */
    beside: (accepted: AcceptedMessage) => readonly Statement[],
  ): Promise<AcceptedMessage>;
  acceptRaw(
    projectId: string,
    submission: { envelopeFrom: string; recipients: readonly string[]; raw: Buffer },
  ): Promise<AcceptedMessage>;
}

/** A message that came by SMTP and cannot be sent as it is; the reply carries `smtpCode`. */
export class SubmissionRefused extends Error {
  readonly smtpCode: 550 | 554;
  readonly enhancedCode: '5.6.0' | '5.7.1';
  constructor(message: string, options: { isPolicy?: boolean } = {}) {
    super(message);
    this.smtpCode = options.isPolicy === true ? 550 : 554;
    this.enhancedCode = options.isPolicy === true ? '5.7.1' : '5.6.0';
  }
}

export function createMessageAcceptor(options: {
  messages: Pick<Messages, 'insertion'>;
  log: EventLog;
  fresh: FreshMail;
  ids: Ids;
  clock: Clock;
  /** Recipients that are on the suppression list: they get nothing. */
  suppressed: SuppressionCheck;
  /** Which domains may send, and their signatures. */
  senders: SenderRules;
  /** Names this server in trace lines. */
  hostname: string;
  expiryMs: number;
  /** How long a message of this project is kept, and its bytes. */
  retentionOf: (projectId: string) => { retentionMs: number; bodyRetentionMs: number };
}): MessageAcceptor {
  const { ids, clock, fresh } = options;

  async function store(
    fields: Pick<
      MessageRecord,
      | 'projectId'
      | 'id'
      | 'acceptedBy'
      | 'envelopeFrom'
      | 'headerFrom'
      | 'stream'
      | 'subject'
      | 'smtpId'
      | 'tags'
      | 'metadata'
    >,
    composed: Buffer,
    recipients: AcceptedMessage['recipients'],
    beside: readonly Statement[],
  ): Promise<void> {
    const { projectId, stream, headerFrom } = fields;
    const addresses = recipients.map(({ address }) => address);
    const [raw, suppressed] = await Promise.all([
      options.senders.sign(projectId, headerFrom, composed),
      options.suppressed({ projectId, stream, addresses }),
    ]);
    const nowMs = clock.now();
    const { retentionMs, bodyRetentionMs } = options.retentionOf(fields.projectId);
    const message: MessageRecord = {
      ...fields,
      sizeBytes: raw.length,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + options.expiryMs,
      retainUntilMs: nowMs + retentionMs,
    };
    const domains = addresses
      .filter((address) => !suppressed.has(address))
      .map((address) => address.slice(address.lastIndexOf('@') + 1));
    const reserved = domains.length === 0 ? null : fresh.reserve(raw.length, domains);
    const node = reserved?.node ?? null;
    const transmissions = recipients.map(({ address, kind }) => {
      const domain = address.slice(address.lastIndexOf('@') + 1);
      const one = { recipient: address, kind, domain, dueAtMs: nowMs };
      return suppressed.has(address)
        ? { ...one, node: null, state: 'rejected' as const }
        : { ...one, node, state: 'queued' as const };
    });
    const events = addresses.flatMap((recipient) => {
      const about = { atMs: nowMs, message, recipient };
      const accepted = createMailEvent({
        ...about,
        id: ids.next('event'),
        type: 'email.accepted',
      });
      const entry = suppressed.get(recipient);
      if (entry === undefined) return [{ projectId, dedupKey: null, event: accepted }];
      const rejected = createMailEvent({
        ...about,
        id: ids.next('event'),
        type: 'email.rejected',
        suppression: toSuppressionBlock(entry),
      });
      return [accepted, rejected].map((event) => ({ projectId, dedupKey: null, event }));
    });
    // While it is in the queue a body must stay, whatever the retention says.
    const bodyRetainUntilMs = nowMs + Math.max(bodyRetentionMs, options.expiryMs * 2);
    const insertion = options.messages.insertion({
      message,
      raw,
      bodyRetainUntilMs,
      transmissions,
    });
    try {
      await options.log.append(events, [...insertion, ...beside]);
    } catch (error) {
      if (node !== null) fresh.drop(raw.length, domains);
      throw error;
    }
    if (domains.length === 0) return;
    if (node === null) fresh.wake(nowMs);
    else
      fresh.take(
        message,
        raw,
        transmissions.filter(({ state }) => state === 'queued'),
      );
  }

  function admitSubmission(projectId: string, from: string): void {
    try {
      options.senders.admit(projectId, from);
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error;
      throw new SubmissionRefused(error.message, { isPolicy: true });
    }
  }

  return {
    async acceptInput(projectId, input, beside) {
      if (input.isNotice !== true) options.senders.admit(projectId, input.from.email);
      const id = ids.next('message');
      const given = input.headers.find(({ name }) => name.toLowerCase() === 'message-id');
      const smtpId = given?.value ?? newSmtpId(id, input.from.email);
      const headers = [
        ...input.headers.filter((header) => header !== given),
        ...(input.isNotice === true ? [] : senderHeaders(input, projectId)),
      ];
      const raw = await composeMessage({ ...input, headers }, { smtpId, nowMs: clock.now() });
      const recipients = uniqueRecipients(input);
      const accepted = { messageId: id, recipients };
      const { email } = input.from;
      const { stream, subject, tags, metadata } = input;
      const who = {
        projectId,
        id,
        acceptedBy: 'http' as const,
        envelopeFrom: email,
        headerFrom: email,
      };
      await store(
        { ...who, stream, subject, smtpId, tags, metadata },
        raw,
        recipients,
        beside(accepted),
      );
      return accepted;
    },
    async acceptRaw(projectId, submission) {
      const headers = readSubmission(submission.raw);
      const { from, fault } = headers;
      if (fault !== null || from === null) throw new SubmissionRefused(fault ?? 'No From address.');
      admitSubmission(projectId, from);
      const id = ids.next('message');
      const smtpId = headers.smtpId ?? newSmtpId(id, from);
      const date = new Date(clock.now()).toUTCString().replace('GMT', '+0000');
      const raw = prepareSubmission(submission.raw, [
        `Received: by ${options.hostname} (Posthorn) with ESMTPA id ${id}; ${date}`,
        ...(headers.hasDate ? [] : [`Date: ${date}`]),
        ...(headers.smtpId === null ? [`Message-ID: ${smtpId}`] : []),
      ]);
      const recipients = [...new Set(submission.recipients)].map((address) => ({
        address,
        kind: 'envelope' as const,
      }));
      const { envelopeFrom } = submission;
      const { stream, subject, tags, metadata } = headers;
      const who = { projectId, id, acceptedBy: 'smtp' as const, envelopeFrom, headerFrom: from };
      await store({ ...who, stream, subject, smtpId, tags, metadata }, raw, recipients, []);
      return { messageId: id, recipients };
    },
  };
}

/** Under the sender's own domain: an id of another one looks like somebody else's mail to filters. */
function newSmtpId(id: string, from: string): string {
  return `<${id.slice(4).toLowerCase()}@${domainOf(from)}>`;
}

/** One entry an address, though it stands in several fields; the most visible field names its kind. */
function uniqueRecipients(input: MessageInput): AcceptedMessage['recipients'] {
  const found = new Map<string, RecipientKind>();
  for (const kind of ['to', 'cc', 'bcc'] as const) {
    for (const { email } of input[kind]) {
      const address = normalizeDomain(email);
      if (!found.has(address)) found.set(address, kind);
    }
  }
  return [...found].map(([address, kind]) => ({ address, kind }));
}

function normalizeDomain(email: string): string {
  const at = email.lastIndexOf('@');
  return `${email.slice(0, at)}@${domainToASCII(email.slice(at + 1))}`;
}
