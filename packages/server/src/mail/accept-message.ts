import { domainToASCII } from 'node:url';
import type { KeyMode } from '../core/key-mode.ts';
import type { DsnRequest } from '../core/mail/dsn.ts';
import type { HoldQuestion } from '../core/mail/hold-rules.ts';
import { domainOf } from '../core/mail/mail-domain.ts';
import type { MessageTracking } from '../core/mail/tracking.ts';
import { PosthornError } from '../lib/errors.ts';
import type { Statement } from '../store/engine.ts';
import type { Expectations } from '../store/expectations.ts';
import type { MessageRecord, NewTransmission, RecipientKind } from '../store/mail/messages.ts';
import { composeMessage } from './compose-message.ts';
import type { Hold, HoldDecider } from './hold/hold-decider.ts';
import { encodedSize, type MessageInput } from './message-input.ts';
import {
  IDENTITY_HEADERS,
  prepareSubmission,
  readSubmission,
  type SubmittedHeaders,
} from './read-submission.ts';
import { SendLimitReached, type SendLimits } from './send-limits.ts';
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
    /** What waits for a person. */
    holds: HoldDecider;
    expectations: Pick<Expectations, 'insertion'>;
    /** Names this server in trace lines. */
    hostname: string;
  },
): MessageAcceptor {
  const { ids, clock } = options;

  const store = createDraftStore(options);

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

  /** Throws `unverified_domain`. */
  function admit(
    projectId: string,
    keyMode: KeyMode,
    { from, isNotice }: { from: { email: string }; isNotice?: boolean },
  ): void {
    if (isNotice === true || keyMode === 'sandbox') return;
    options.senders.admit(projectId, from.email);
  }

  function decideHold(projectId: string, input: MessageInput): Hold | null {
    if (input.isNotice === true) return null;
    return options.holds.decide(projectId, input.keyMode, () => toQuestion(input));
  }

  /**
   * Counts what goes out now; what is held counts when it is let go. Beyond a limit all of it waits too,
   * where the project has it so.
   */
  async function count(projectId: string, accepted: AcceptedMessage[]): Promise<() => void> {
    const going = accepted.filter(({ hold }) => hold === null);
    const total = going.reduce((sum, { recipients }) => sum + recipients.length, 0);
    try {
      return await options.sendLimits.take(projectId, total);
    } catch (error) {
      if (!(error instanceof SendLimitReached) || !options.holds.holdsOverLimit(projectId)) {
        throw error;
      }
      for (const one of going) one.hold = { reason: 'limit', rule: null };
      return () => {};
    }
  }

  /** Counted from its first attempt, as it is planned now. */
  function expect(
    projectId: string,
    { messageId }: AcceptedMessage,
    given: { sendAtMs?: number | null; expectWithinMs?: number | null },
  ): Statement[] {
    if (given.expectWithinMs == null) return [];
    const startsAtMs = Math.max(clock.now(), given.sendAtMs ?? 0);
    const dueAtMs = startsAtMs + given.expectWithinMs;
    return [options.expectations.insertion({ projectId, messageId, dueAtMs })];
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
      admit(projectId, input.keyMode, input);
      refuseFarAway(input.sendAtMs);
    }
    const pairs = inputs.map((input) => {
      return {
        input,
        one: {
          messageId: ids.next('message'),
          recipients: uniqueRecipients(input),
          hold: decideHold(projectId, input),
        },
      };
    });
    const accepted = pairs.map(({ one }) => one);
    const drafts = pairs.map(
      ({ input, one }) =>
        () =>
          draftInput(projectId, input, one),
    );
    // A notice is ours to send, whatever the project has sent.
    const counted = pairs.filter(({ input }) => isReal(input) && input.isNotice !== true);
    const giveBack = await count(
      projectId,
      counted.map(({ one }) => one),
    );
    const expected = pairs.flatMap(({ input, one }) => expect(projectId, one, input));
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
      const { keyMode } = submission;
      refusing(() => admit(projectId, keyMode, { from: { email: from } }));
      refuseFarAway(submission.sendAtMs);
      const id = ids.next('message');
      const acceptedBy = submission.acceptedBy ?? ('smtp' as const);
      const smtpId = headers.smtpId ?? newSmtpId(id, from);
      const sendAtMs = submission.sendAtMs ?? null;
      const date = new Date(clock.now()).toUTCString().replace('GMT', '+0000');
      // RFC 3848 has the word for SMTP with a login.
      const protocol = acceptedBy === 'smtp' ? 'ESMTPA' : 'HTTP';
      const composed = prepareSubmission(
        submission.raw,
        [
          `Received: by ${options.hostname} (Posthorn) with ${protocol} id ${id}; ${date}`,
          ...(headers.hasDate ? [] : [`Date: ${date}`]),
          ...(headers.smtpId === null ? [`Message-ID: ${smtpId}`] : []),
        ],
        again === undefined ? undefined : IDENTITY_HEADERS,
      );
      const recipients = [...new Set(submission.recipients)].map((address) => ({
        address,
        kind: 'envelope' as const,
      }));
      const envelopeFrom = submission.envelopeFrom ?? from;
      const { stream, subject, tags, metadata } = headers;
      const sandbox = keyMode === 'sandbox';
      const who = { projectId, id, acceptedBy, sandbox, envelopeFrom, headerFrom: from };
      const tracking = again === undefined ? settleSubmission(projectId, read) : again.tracking;
      const rest = { tracking, dsn: submission.dsn ?? null, sendAtMs };
      const fields = { ...who, stream, subject, smtpId, tags, metadata, ...rest };
      const hold = options.holds.decide(projectId, keyMode, () => ({
        ...{ from, stream, tags, metadata },
        recipients: submission.recipients,
        headers: headers.fields,
        sizeBytes: submission.raw.length,
      }));
      const accepted: AcceptedMessage = { messageId: id, recipients, hold };
      const { expectWithinMs = headers.expectWithinMs } = submission;
      const expected = expect(projectId, accepted, { sendAtMs, expectWithinMs });
      const giveBack = await count(projectId, isReal(submission) ? [accepted] : []);
      await store(
        [async () => ({ fields, composed, recipients, hold: accepted.hold })],
        () => [...beside(accepted), ...expected],
        giveBack,
      );
      return accepted;
    },
  };
}

/** What a sandbox key sends is neither counted nor checked: nothing of it leaves. */
function isReal({ keyMode }: { keyMode: KeyMode }): boolean {
  return keyMode !== 'sandbox';
}

/** What rules can ask before it is put together. */
function toQuestion(input: MessageInput): HoldQuestion {
  const { from, to, cc, bcc, stream, tags, metadata, subject } = input;
  return {
    from: from.email,
    recipients: [...to, ...cc, ...bcc].map(({ email }) => email),
    ...{ stream, tags, metadata },
    headers: [{ name: 'Subject', value: subject }, ...input.headers],
    sizeBytes: encodedSize(input),
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
