import { domainToASCII } from 'node:url';
import type { KeyMode } from '../core/key-mode.ts';
import type { DsnRequest } from '../core/mail/dsn.ts';
import { domainOf } from '../core/mail/mail-domain.ts';
import { refuseNoticeTag } from '../core/mail/notice-tag.ts';
import type { MessageTracking } from '../core/mail/tracking.ts';
import { PosthornError } from '../lib/errors.ts';
import type { Statement } from '../store/engine.ts';
import type { MessageRecord } from '../store/mail/messages.ts';
import type { NewTransmission, RecipientKind } from '../store/mail/transmissions.ts';
import { type AdmissionOptions, createAdmission } from './admission.ts';
import { composeMessage } from './compose-message.ts';
import type { Hold } from './hold/hold-decider.ts';
import type { MessageInput } from './message-input.ts';
import { shortenLines } from './mime/shorten-lines.ts';
import {
  IDENTITY_HEADERS,
  readSubmission,
  type SubmittedHeaders,
  withoutHeaders,
} from './read-submission.ts';
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
  /** Why it waits for a person; null: it is on its way. */
  hold: Hold | null;
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
  /** Of the key that it came with. */
  keyMode: KeyMode;
  /** `smtp` unless it says so. */
  acceptedBy?: 'http';
  /** When its first attempt falls; without it, at once. */
  sendAtMs?: number;
  /** As in MessageInput; before what its header says. */
  expectWithinMs?: number;
  /** What its sender wants to be told of. */
  dsn?: DsnRequest | null;
  /** A message of ours that goes out once more: what was settled for it, which its bytes do not tell. */
  again?: Pick<MessageRecord, 'stream' | 'tags' | 'metadata' | 'tracking'>;
}

/** One that goes out again is a message of its own. */
const NO_IDENTITY = { smtpId: null, hasDate: false };

/** A message that came whole and cannot be sent as it is; the reply by SMTP carries `smtpCode`. */
export class SubmissionRefused extends Error {
  readonly smtpCode: 550 | 554;
  readonly enhancedCode: '5.6.0' | '5.7.1';
  /** `cause`: what HTTP would have answered; then it is a policy of ours that refuses it. */
  constructor(message: string, options: { cause?: PosthornError } = {}) {
    super(message, options);
    const isPolicy = options.cause !== undefined;
    this.smtpCode = isPolicy ? 550 : 554;
    this.enhancedCode = isPolicy ? '5.7.1' : '5.6.0';
  }
}

export function createMessageAcceptor(
  options: DraftStoreOptions &
    AdmissionOptions & {
      tracking: Pick<TrackingRoom, 'settle'>;
      /** Names this server in trace lines. */
      hostname: string;
    },
): MessageAcceptor {
  const { ids, clock } = options;

  const store = createDraftStore(options);
  const admission = createAdmission(options);

  function settleInput(projectId: string, input: MessageInput): MessageTracking | null {
    if (input.isNotice === true) return null;
    const { stream, unsubscribe, headers } = input;
    const hasListUnsubscribe = headers.some(
      ({ name }) => name.toLowerCase() === 'list-unsubscribe',
    );
    return options.tracking.settle(projectId, {
      stream,
      wish: input.tracking ?? {},
      wantsPage: unsubscribe?.hosted === true ? true : undefined,
      hasOwnPage: typeof unsubscribe?.url === 'string' || hasListUnsubscribe,
      hasWayOut: unsubscribe?.url != null || unsubscribe?.mailto != null || hasListUnsubscribe,
    });
  }

  function settleSubmission(
    projectId: string,
    { stream, tracking: wish, wantsPage, hasOwnPage, hasWayOut }: SubmittedHeaders,
  ): MessageTracking | null {
    return refusing(() =>
      options.tracking.settle(projectId, { stream, wish, wantsPage, hasOwnPage, hasWayOut }),
    );
  }

  /** What HTTP answers as a problem is a reply here. */
  function refusing<T>(check: () => T): T {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error;
      throw new SubmissionRefused(error.message, { cause: error });
    }
  }

  async function draftInput(
    projectId: string,
    input: MessageInput,
    { messageId: id, recipients, hold }: AcceptedMessage,
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
      sandbox: input.keyMode === 'sandbox',
      envelopeFrom: email,
      headerFrom: email,
    } as const;
    const tracking = settleInput(projectId, input);
    const rest = { tracking, dsn: null, sendAtMs };
    const fields = { ...who, stream, subject, smtpId, tags, metadata, ...rest };
    return { fields, composed, recipients, hold };
  }

  async function acceptInputs(
    ...[projectId, inputs, beside]: Parameters<MessageAcceptor['acceptInputs']>
  ): Promise<AcceptedMessage[]> {
    for (const input of inputs) {
      admission.admit(projectId, input.from.email, input);
      if (input.isNotice !== true) refuseNoticeTag(input.tags);
      admission.refuseFarAway(input.sendAtMs);
    }
    const pairs = inputs.map((input) => {
      return {
        input,
        one: {
          messageId: ids.next('message'),
          recipients: uniqueRecipients(input),
          hold: admission.holdInput(projectId, input),
        },
      };
    });
    const accepted = pairs.map(({ one }) => one);
    const drafts = pairs.map(
      ({ input, one }) =>
        () =>
          draftInput(projectId, input, one),
    );
    const giveBack = await admission.count(
      projectId,
      pairs.map(({ input: origin, one: accepted }) => ({ origin, accepted })),
    );
    const expected = pairs.flatMap(({ input, one }) =>
      admission.expect(projectId, one.messageId, input),
    );
    await store(drafts, () => [...beside(accepted), ...expected], giveBack);
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
      const { again } = submission;
      const read = readSubmission(submission.raw);
      const headers = again === undefined ? read : { ...read, ...again, ...NO_IDENTITY };
      const { from, fault } = headers;
      if (fault !== null || from === null) throw new SubmissionRefused(fault ?? 'No From address.');
      refusing(() => {
        admission.admit(projectId, from, submission);
        if (again === undefined) refuseNoticeTag(read.tags);
      });
      admission.refuseFarAway(submission.sendAtMs);
      const id = ids.next('message');
      const acceptedBy = submission.acceptedBy ?? ('smtp' as const);
      const smtpId = headers.smtpId ?? newSmtpId(id, from);
      const sendAtMs = submission.sendAtMs ?? null;
      const date = new Date(clock.now()).toUTCString().replace('GMT', '+0000');
      // RFC 3848 has the word for SMTP with a login.
      const protocol = acceptedBy === 'smtp' ? 'ESMTPA' : 'HTTP';
      const dropped = again === undefined ? undefined : IDENTITY_HEADERS;
      const composed = shortenLines(withoutHeaders(submission.raw, dropped));
      // A trace line (RFC 5321 4.4), and what a submission server adds where it is missing (RFC 6409 8).
      const added = [
        `Received: by ${options.hostname} (Posthorn) with ${protocol} id ${id}; ${date}`,
        ...(headers.hasDate ? [] : [`Date: ${date}`]),
        ...(headers.smtpId === null ? [`Message-ID: ${smtpId}`] : []),
      ];
      const top = Buffer.from(added.map((line) => `${line}\r\n`).join(''), 'utf8');
      const recipients = [...new Set(submission.recipients)].map((address) => ({
        address,
        kind: 'envelope' as const,
      }));
      const envelopeFrom = submission.envelopeFrom ?? from;
      const { stream, subject, tags, metadata } = headers;
      const sandbox = submission.keyMode === 'sandbox';
      const who = { projectId, id, acceptedBy, sandbox, envelopeFrom, headerFrom: from };
      const tracking = again === undefined ? settleSubmission(projectId, read) : again.tracking;
      const rest = { tracking, dsn: submission.dsn ?? null, sendAtMs };
      const fields = { ...who, stream, subject, smtpId, tags, metadata, ...rest };
      const hold = admission.holdSubmission(projectId, submission, { ...headers, from });
      const accepted: AcceptedMessage = { messageId: id, recipients, hold };
      const { expectWithinMs = headers.expectWithinMs } = submission;
      const expected = admission.expect(projectId, id, { sendAtMs, expectWithinMs });
      const giveBack = await admission.count(projectId, [{ origin: submission, accepted }]);
      await store(
        [async () => ({ fields, composed, top, recipients, hold: accepted.hold })],
        () => [...beside(accepted), ...expected],
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
