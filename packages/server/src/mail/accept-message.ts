import { domainToASCII } from 'node:url';
import { domainOf } from '../core/mail-domain.ts';
import type { MessageTracking } from '../core/tracking.ts';
import { PosthornError } from '../lib/errors.ts';
import type { Statement } from '../store/engine.ts';
import type { MessageRecord, NewTransmission, RecipientKind } from '../store/messages.ts';
import { composeMessage } from './compose-message.ts';
import type { MessageInput } from './message-input.ts';
import { prepareSubmission, readSubmission, type SubmittedHeaders } from './read-submission.ts';
import type { SendLimits } from './send-limits.ts';
import { senderHeaders } from './sender-headers.ts';
import { createDraftStore, type Draft, type DraftStoreOptions } from './store-drafts.ts';
import type { TrackingRoom } from './tracking/create-tracking-room.ts';

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
  /** All or none, in one commit; one answer each, in their order. */
  acceptInputs(
    projectId: string,
    inputs: readonly MessageInput[],
    beside: (accepted: AcceptedMessage[]) => readonly Statement[],
  ): Promise<AcceptedMessage[]>;
  acceptRaw(
    projectId: string,
    submission: RawSubmission,
    beside?: (accepted: AcceptedMessage) => readonly Statement[],
  ): Promise<AcceptedMessage>;
}

/** A message that came whole, with its envelope. */
export interface RawSubmission {
  /** null: the address of its From header. */
  envelopeFrom: string | null;
  recipients: readonly string[];
  /** Each line ends with CR LF. */
  raw: Buffer;
  /** `smtp` unless it says so. */
  acceptedBy?: 'http';
  /** When its first attempt falls; without it, at once. */
  sendAtMs?: number;
}

/** A message that came whole and cannot be sent as it is; the reply by SMTP carries `smtpCode`. */
export class SubmissionRefused extends Error {
  readonly smtpCode: 550 | 554;
  readonly enhancedCode: '5.6.0' | '5.7.1';
  constructor(message: string, options: { isPolicy?: boolean } = {}) {
    super(message);
    this.smtpCode = options.isPolicy === true ? 550 : 554;
    this.enhancedCode = options.isPolicy === true ? '5.7.1' : '5.6.0';
  }
}

/**
 * A message is signed when it is accepted, and a key that is replaced right after that can be checked for a
 * week (mail/domains): so long has the schedule together with the first days of trying.
 */
const MAX_SCHEDULE_MS = 72 * 3_600_000;

export function createMessageAcceptor(
  options: DraftStoreOptions & {
    tracking: Pick<TrackingRoom, 'settle'>;
    /** How much a project may send. */
    sendLimits: SendLimits;
    /** Names this server in trace lines. */
    hostname: string;
  },
): MessageAcceptor {
  const { ids, clock } = options;

  const store = createDraftStore(options);

  function settleInput(projectId: string, input: MessageInput): MessageTracking | null {
    if (input.isNotice === true) return null;
    const { stream, unsubscribe, headers } = input;
    return options.tracking.settle(projectId, {
      stream,
      wish: input.tracking ?? {},
      wantsPage: unsubscribe?.hosted === true ? true : undefined,
      hasOwnPage:
        typeof unsubscribe?.url === 'string' ||
        headers.some(({ name }) => name.toLowerCase() === 'list-unsubscribe'),
    });
  }

  function settleSubmission(
    projectId: string,
    { stream, tracking: wish, wantsPage, hasOwnPage }: SubmittedHeaders,
  ): MessageTracking | null {
    return refusing(() =>
      options.tracking.settle(projectId, { stream, wish, wantsPage, hasOwnPage }),
    );
  }

  /** What HTTP answers as a problem is a reply here. */
  function refusing<T>(check: () => T): T {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error;
      throw new SubmissionRefused(error.message, { isPolicy: true });
    }
  }

  function refuseFarAway(sendAtMs: number | undefined): void {
    if (sendAtMs === undefined || sendAtMs <= clock.now() + MAX_SCHEDULE_MS) return;
    const detail = 'A message is sent within 72 hours; give it to us later.';
    const fields = [{ pointer: '/send_at', detail }];
    throw new PosthornError('invalid_field', `send_at: ${detail}`, { fields });
  }

  async function draftInput(
    projectId: string,
    input: MessageInput,
    { messageId: id, recipients }: AcceptedMessage,
  ): Promise<Draft> {
    const sendAtMs = input.sendAtMs ?? null;
    const given = input.headers.find(({ name }) => name.toLowerCase() === 'message-id');
    const smtpId = given?.value ?? newSmtpId(id, input.from.email);
    const headers = [
      ...input.headers.filter((header) => header !== given),
      ...(input.isNotice === true ? [] : senderHeaders(input, projectId)),
    ];
    const composed = await composeMessage(
      { ...input, headers },
      { smtpId, nowMs: sendAtMs ?? clock.now() },
    );
    const { email } = input.from;
    const { stream, subject, tags, metadata } = input;
    const who = {
      projectId,
      id,
      acceptedBy: 'http',
      envelopeFrom: email,
      headerFrom: email,
    } as const;
    const tracking = settleInput(projectId, input);
    const fields = { ...who, stream, subject, smtpId, tags, metadata, tracking, sendAtMs };
    return { fields, composed, recipients };
  }

  async function acceptInputs(
    ...[projectId, inputs, beside]: Parameters<MessageAcceptor['acceptInputs']>
  ): Promise<AcceptedMessage[]> {
    for (const input of inputs) {
      if (input.isNotice !== true) options.senders.admit(projectId, input.from.email);
      refuseFarAway(input.sendAtMs);
    }
    const pairs = inputs.map((input) => {
      return {
        input,
        one: { messageId: ids.next('message'), recipients: uniqueRecipients(input) },
      };
    });
    const accepted = pairs.map(({ one }) => one);
    const drafts = pairs.map(
      ({ input, one }) =>
        () =>
          draftInput(projectId, input, one),
    );
    // A notice is ours to send, whatever the project has sent.
    const counted = pairs.filter(({ input }) => input.isNotice !== true);
    const count = counted.reduce((sum, { one }) => sum + one.recipients.length, 0);
    const giveBack = await options.sendLimits.take(projectId, count);
    await store(drafts, () => beside(accepted), giveBack);
    return accepted;
  }

  return {
    acceptInputs,
    async acceptInput(projectId, input, beside) {
      const [accepted] = await acceptInputs(projectId, [input], (all) => all.flatMap(beside));
      if (accepted === undefined) throw new Error('One message has one answer.');
      return accepted;
    },
    async acceptRaw(projectId, submission, beside = () => []) {
      const headers = readSubmission(submission.raw);
      const { from, fault } = headers;
      if (fault !== null || from === null) throw new SubmissionRefused(fault ?? 'No From address.');
      refusing(() => options.senders.admit(projectId, from));
      refuseFarAway(submission.sendAtMs);
      const id = ids.next('message');
      const acceptedBy = submission.acceptedBy ?? ('smtp' as const);
      const smtpId = headers.smtpId ?? newSmtpId(id, from);
      const sendAtMs = submission.sendAtMs ?? null;
      const date = new Date(clock.now()).toUTCString().replace('GMT', '+0000');
      // RFC 3848 has the word for SMTP with a login.
      const protocol = acceptedBy === 'smtp' ? 'ESMTPA' : 'HTTP';
      const composed = prepareSubmission(submission.raw, [
        `Received: by ${options.hostname} (Posthorn) with ${protocol} id ${id}; ${date}`,
        ...(headers.hasDate ? [] : [`Date: ${date}`]),
        ...(headers.smtpId === null ? [`Message-ID: ${smtpId}`] : []),
      ]);
      const recipients = [...new Set(submission.recipients)].map((address) => ({
        address,
        kind: 'envelope' as const,
      }));
      const envelopeFrom = submission.envelopeFrom ?? from;
      const { stream, subject, tags, metadata } = headers;
      const who = { projectId, id, acceptedBy, envelopeFrom, headerFrom: from };
      const tracking = settleSubmission(projectId, headers);
      const fields = { ...who, stream, subject, smtpId, tags, metadata, tracking, sendAtMs };
      const accepted = { messageId: id, recipients };
      const giveBack = await options.sendLimits.take(projectId, recipients.length);
      await store(
        [async () => ({ fields, composed, recipients })],
        () => beside(accepted),
        giveBack,
      );
      return accepted;
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
