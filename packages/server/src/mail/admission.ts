import type { KeyMode } from '../core/key-mode.ts';
import { PosthornError } from '../lib/errors.ts';
import type { Statement } from '../store/engine.ts';
import type { Expectations } from '../store/mail/expectations.ts';
import type { AcceptedMessage, RawSubmission } from './accept-message.ts';
import type { SenderRules } from './domains/sender-rules.ts';
import type { Hold, HoldDecider } from './hold/hold-decider.ts';
import { encodedSize, type MessageInput } from './message-input.ts';
import type { SubmittedHeaders } from './read-submission.ts';
import { SendLimitReached, type SendLimits } from './send-limits.ts';

export interface AdmissionOptions {
  /** Which domains may send. */
  senders: Pick<SenderRules, 'admit'>;
  /** How much a project may send. */
  sendLimits: SendLimits;
  /** What waits for a person. */
  holds: HoldDecider;
  expectations: Pick<Expectations, 'insertion'>;
  clock: { now(): number };
}

/** Of whom a message is, as far as rules differ: nothing of a sandbox key's leaves, and a notice is ours. */
type Origin = { keyMode: KeyMode; isNotice?: boolean };

/** What is asked of a message before it is taken: may it come in, does it wait, is there room for it. */
export interface Admission {
  /** Throws `unverified_domain`. */
  admit(projectId: string, from: string, origin: Origin): void;
  /** Throws `invalid_field` for a time that is too far away. */
  refuseFarAway(sendAtMs: number | undefined): void;
  holdInput(projectId: string, input: MessageInput): Hold | null;
  holdSubmission(
    projectId: string,
    submission: RawSubmission,
    headers: Pick<SubmittedHeaders, 'subject' | 'stream' | 'tags' | 'metadata' | 'fields'> & {
      from: string;
    },
  ): Hold | null;
  /**
   * Counts what goes out now, and resolves with what gives it back; what is held counts when it is let go.
   * Beyond a limit all of it waits too, where the project has it so: then `hold` says it. Rejects with
   * SendLimitReached.
   */
  count(
    projectId: string,
    all: readonly { origin: Origin; accepted: AcceptedMessage }[],
  ): Promise<() => void>;
  /** Notes by when a message is to have reached its end, counted from its first attempt as it is planned. */
  expect(
    projectId: string,
    messageId: string,
    given: { sendAtMs?: number | null; expectWithinMs?: number | null },
  ): Statement[];
}

/**
 * A message is signed when it is accepted, and a key that is replaced right after that can be checked for a
 * week (mail/domains): so long has the schedule together with the first days of trying.
 */
const MAX_SCHEDULE_MS = 72 * 3_600_000;

export function createAdmission(options: AdmissionOptions): Admission {
  const { senders, sendLimits, holds, clock } = options;
  return {
    admit(projectId, from, origin) {
      if (isReal(origin)) senders.admit(projectId, from);
    },
    refuseFarAway(sendAtMs) {
      if (sendAtMs === undefined || sendAtMs <= clock.now() + MAX_SCHEDULE_MS) return;
      const detail = 'A message is sent within 72 hours; give it to us later.';
      const fields = [{ pointer: '/send_at', detail }];
      throw new PosthornError('invalid_field', `send_at: ${detail}`, { fields });
    },
    holdInput(projectId, input) {
      if (input.isNotice === true) return null;
      const { from, to, cc, bcc, stream, tags, metadata, subject } = input;
      return holds.decide(projectId, input.keyMode, () => ({
        from: from.email,
        recipients: [...to, ...cc, ...bcc].map(({ email }) => email),
        ...{ stream, tags, metadata },
        headers: [{ name: 'Subject', value: subject }, ...input.headers],
        sizeBytes: encodedSize(input),
      }));
    },
    holdSubmission(projectId, { keyMode, recipients, raw }, headers) {
      const { from, stream, tags, metadata, subject, fields } = headers;
      return holds.decide(projectId, keyMode, () => ({
        ...{ from, recipients, stream, tags, metadata },
        // Of the subject the words, and not how they are encoded.
        headers: fields.map((field) =>
          field.name === 'subject' ? { ...field, value: subject ?? '' } : field,
        ),
        sizeBytes: raw.length,
      }));
    },
    async count(projectId, all) {
      const going = all
        .filter(({ origin, accepted }) => isReal(origin) && accepted.hold === null)
        .map(({ accepted }) => accepted);
      const total = going.reduce((sum, { recipients }) => sum + recipients.length, 0);
      try {
        return await sendLimits.take(projectId, total);
      } catch (error) {
        if (!(error instanceof SendLimitReached) || !holds.holdsOverLimit(projectId)) throw error;
        for (const one of going) one.hold = { reason: 'limit', rule: null };
        return () => {};
      }
    },
    expect(projectId, messageId, { sendAtMs, expectWithinMs }) {
      if (expectWithinMs == null) return [];
      const dueAtMs = Math.max(clock.now(), sendAtMs ?? 0) + expectWithinMs;
      return [options.expectations.insertion({ projectId, messageId, dueAtMs })];
    },
  };
}

function isReal({ keyMode, isNotice }: Origin): boolean {
  return keyMode !== 'sandbox' && isNotice !== true;
}
