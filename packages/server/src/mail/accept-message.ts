import { domainToASCII } from 'node:url';
import type { Ids } from '../core/ids.ts';
import { domainOf } from '../core/mail-domain.ts';
import type { MessageTracking } from '../core/tracking.ts';
import type { Clock } from '../lib/clock.ts';
import { PosthornError } from '../lib/errors.ts';
import type { Statement } from '../store/engine.ts';
import type { EventLog, NewEvent } from '../store/event-log.ts';
import type { MessageRecord, Messages, NewTransmission, RecipientKind } from '../store/messages.ts';
import { composeMessage } from './compose-message.ts';
import type { SenderRules } from './domains/sender-rules.ts';
import { createMailEvent } from './mail-event.ts';
import type { MessageInput } from './message-input.ts';
import { prepareSubmission, readSubmission, type SubmittedHeaders } from './read-submission.ts';
import type { SendLimits } from './send-limits.ts';
import { senderHeaders } from './sender-headers.ts';
import type { SuppressionCheck } from './suppression/suppression-check.ts';
import { toSuppressionBlock } from './suppression/suppression-event.ts';
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

/** Messages of one request that are composed and signed at a time: signing is done by four threads. */
const DRAFTS_AT_ONCE = 8;

interface Draft {
  fields: Omit<MessageRecord, 'sizeBytes' | 'createdAtMs' | 'expiresAtMs' | 'retainUntilMs'>;
  composed: Buffer;
  recipients: AcceptedMessage['recipients'];
}

/** A message that only has to be committed. */
interface Prepared {
  events: NewEvent[];
  statements: Statement[];
  /** To be called after the commit: one of both. */
  pass(): void;
  drop(): void;
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
  tracking: Pick<TrackingRoom, 'settle'>;
  /** How much a project may send. */
  sendLimits: SendLimits;
  /** Names this server in trace lines. */
  hostname: string;
  expiryMs: number;
  /** How long a message of this project is kept, and its bytes. */
  retentionOf: (projectId: string) => { retentionMs: number; bodyRetentionMs: number };
}): MessageAcceptor {
  const { ids, clock, fresh } = options;

  async function prepare({ fields, composed, recipients }: Draft): Promise<Prepared> {
    const { projectId, stream, headerFrom } = fields;
    const addresses = recipients.map(({ address }) => address);
    const [raw, suppressed] = await Promise.all([
      // A message of which everybody gets his own copy is signed when that is made.
      fields.tracking === null ? options.senders.sign(projectId, headerFrom, composed) : composed,
      options.suppressed({ projectId, stream, addresses }),
    ]);
    const nowMs = clock.now();
    const dueAtMs = Math.max(nowMs, fields.sendAtMs ?? 0);
    const { retentionMs, bodyRetentionMs } = options.retentionOf(projectId);
    const message: MessageRecord = {
      ...fields,
      sizeBytes: raw.length,
      createdAtMs: nowMs,
      expiresAtMs: dueAtMs + options.expiryMs,
      retainUntilMs: dueAtMs + retentionMs,
    };
    const domains = addresses.filter((address) => !suppressed.has(address)).map(domainOf);
    const isForLater = domains.length === 0 || dueAtMs > nowMs;
    const reserved = isForLater ? null : fresh.reserve(raw.length, domains);
    const node = reserved?.node ?? null;
    const transmissions = recipients.map(({ address, kind }) => {
      const one = { recipient: address, kind, domain: domainOf(address), dueAtMs };
      return suppressed.has(address)
        ? { ...one, node: null, state: 'rejected' as const }
        : { ...one, node, state: 'queued' as const };
    });
    const events = addresses.flatMap((recipient) => {
      const about = { atMs: nowMs, message, recipient };
      const type = 'email.accepted' as const;
      const accepted = createMailEvent({ ...about, id: ids.next('event'), type });
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
    const bodyRetainUntilMs = dueAtMs + Math.max(bodyRetentionMs, options.expiryMs * 2);
    const insertion = { message, raw, bodyRetainUntilMs, transmissions };
    return {
      events,
      statements: options.messages.insertion(insertion),
      drop() {
        if (node !== null) fresh.drop(raw.length, domains);
      },
      pass() {
        const queued = transmissions.filter(({ state }) => state === 'queued');
        if (node !== null) fresh.take(message, raw, queued);
        else if (queued.length > 0) fresh.wake(dueAtMs);
      },
    };
  }

  async function store(
    drafts: readonly (() => Promise<Draft>)[],
    beside: () => readonly Statement[],
    giveBack: () => void,
  ): Promise<void> {
    const prepared: Prepared[] = [];
    try {
      for (let i = 0; i < drafts.length; i += DRAFTS_AT_ONCE) {
        const some = drafts.slice(i, i + DRAFTS_AT_ONCE).map(async (draft) => {
          prepared.push(await prepare(await draft()));
        });
        const failed = (await Promise.allSettled(some)).find(({ status }) => status === 'rejected');
        if (failed?.status === 'rejected') throw failed.reason;
      }
      await options.log.append(
        prepared.flatMap(({ events }) => events),
        [...prepared.flatMap(({ statements }) => statements), ...beside()],
      );
    } catch (error) {
      for (const one of prepared) one.drop();
      giveBack();
      throw error;
    }
    for (const one of prepared) one.pass();
  }

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
