import type { Ids } from '../../core/ids.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { RecipientResult, Transmission } from '../../smtp/transmission.ts';
import type { Transmitter } from '../../smtp/transmit.ts';
import { StoreConflict, StoreUnavailable } from '../../store/engine.ts';
import type { EventLog } from '../../store/event-log.ts';
import type { MessageRecord, Messages, TransmissionOutcome } from '../../store/messages.ts';
import { decideTransmission } from '../decide-transmission.ts';
import { createMailEvent } from '../mail-event.ts';
import type { MailJob } from '../mail-job.ts';
import { rejectSuppressed } from '../reject-suppressed.ts';
import type { EnvelopeSender } from '../return-path/envelope-sender.ts';
import type { SuppressionCheck } from '../suppression/suppression-check.ts';
import type { TrackingRoom } from '../tracking/create-tracking-room.ts';
import type { TranscriptKeeper } from './keep-transcripts.ts';

export interface JobDeliveryOptions {
  messages: Pick<Messages, 'get' | 'raw' | 'settlement' | 'release'>;
  log: EventLog;
  transmitter: Transmitter;
  transcripts: TranscriptKeeper;
  clock: Clock;
  random: () => number;
  ids: Ids;
  logger: Log;
  node: string;
  ladderMs: readonly number[];
  /** Who is on the suppression list by the time that a scheduled message is due. */
  suppressed: SuppressionCheck;
  /** Mail of a project that was deleted is not sent. */
  projectExists: (projectId: string) => boolean;
  envelopeSender: EnvelopeSender;
  personalize: TrackingRoom['personalize'];
}

/** What is done with one job, from its message to what is stored of it. */
export interface JobDelivery {
  /** Never rejects: what breaks is given back to the queue. */
  deliver(job: MailJob): Promise<void>;
  /** Unchanged, and due again at this time. */
  giveBack(jobs: readonly MailJob[], dueAtMs: number): Promise<void>;
}

/** What broke inside us would break again at once; so long it waits. */
const BROKEN_WAIT_MS = 30_000;

export function createJobDelivery(
  options: JobDeliveryOptions & {
    signal: AbortSignal;
    /** Something waits in the store until then. */
    wake: (atMs: number) => void;
    /** What servers have answered, as soon as it is known. */
    answered: (job: MailJob, transmission: Transmission) => void;
  },
): JobDelivery {
  const { messages, clock, logger, node, signal } = options;

  async function attempt(job: MailJob): Promise<void> {
    if (!options.projectExists(job.projectId)) return cancel(job);
    job.message ??= await messages.get(job.projectId, job.messageId);
    const message = job.message;
    const raw = job.raw ?? (await messages.raw(job.projectId, job.messageId));
    if (message === null || raw === null) {
      logger.error(
        { message: job.messageId },
        'A queued message has lost its body; it is not sent',
      );
      return fail(job, 'The stored message is gone; it was not sent.');
    }
    if (message.sendAtMs !== null) await dropSuppressed(job, message);
    if (job.recipients.length === 0) return;
    const copyOf = options.personalize(message, raw);
    const senderOf = ({ recipient }: { recipient: string }): string =>
      options.envelopeSender(message, recipient);
    const groups = Map.groupBy(job.recipients, (one) =>
      copyOf === null ? senderOf(one) : one.recipient,
    );
    for (const recipients of groups.values()) {
      const [first] = recipients;
      if (first === undefined) continue;
      const bytes = copyOf === null ? raw : await copyOf(first.recipient);
      const envelopeFrom = senderOf(first);
      await transact({ ...job, recipients }, { message, raw: bytes, envelopeFrom });
      // What is settled must not be given back should a later transaction break.
      job.recipients = job.recipients.filter((one) => !recipients.includes(one));
    }
  }

  /**
   * One transaction has one sender and one message: recipients with return paths or copies of their own
   * come one after another.
   */
  async function transact(
    job: MailJob,
    given: { message: MessageRecord; raw: Uint8Array; envelopeFrom: string },
  ): Promise<void> {
    const { message, raw, envelopeFrom } = given;
    const recipients = job.recipients.map(({ recipient }) => recipient);
    const startedAtMs = clock.now();
    const transmission = await options.transmitter.transmit({
      domain: job.domain,
      envelopeFrom,
      recipients,
      raw,
      smtputf8: [envelopeFrom, ...recipients].some((address) => !/^[\x20-\x7e]*$/.test(address)),
      signal,
    });
    options.answered(job, transmission);
    const aborted = transmission.results.filter((result) => result.errorCode === 'aborted');
    const decided = transmission.results.filter((result) => result.errorCode !== 'aborted');
    if (decided.length > 0) {
      await settle(job, message, { ...transmission, results: decided, startedAtMs });
    }
    if (aborted.length > 0) {
      const names = new Set(aborted.map((result) => result.recipient));
      const left = job.recipients.filter((one) => names.has(one.recipient));
      await giveBack([{ ...job, recipients: left }], clock.now());
    }
  }

  /** It was held against the list when it was accepted, and people have left since. */
  async function dropSuppressed(job: MailJob, message: MessageRecord): Promise<void> {
    const found = await rejectSuppressed({ ...options, job, message });
    if (found === null) return;
    const statements = outcomesOf(found.job).map((outcome) =>
      messages.settlement({ ...outcome, state: 'rejected' }),
    );
    await untilStored(() => options.log.append(found.events, statements), job.messageId);
    job.recipients = job.recipients.filter((one) => !found.job.recipients.includes(one));
  }

  /** Nobody is left who could be told, so there is no event. */
  async function cancel(job: MailJob): Promise<void> {
    const statements = outcomesOf(job).map((outcome) =>
      messages.settlement({ ...outcome, state: 'canceled' }),
    );
    await untilStored(() => options.log.append([], statements), job.messageId);
  }

  /** The message can never be sent: that is ours to say, and not to forget. */
  async function fail(job: MailJob, response: string): Promise<void> {
    const { projectId, messageId, message } = job;
    const atMs = clock.now();
    const events = job.recipients.flatMap(({ recipient }) => {
      if (message === null) return [];
      const [id, type] = [options.ids.next('event'), 'email.failed' as const];
      const delivery = { response };
      const event = createMailEvent({ id, type, atMs, message, recipient, delivery });
      return [{ projectId, dedupKey: null, event }];
    });
    const statements = outcomesOf(job).map((outcome) =>
      messages.settlement({ ...outcome, state: 'failed' }),
    );
    await untilStored(() => options.log.append(events, statements), messageId);
  }

  function decide(job: MailJob, message: MessageRecord, result: RecipientResult) {
    const before = job.recipients.find((one) => one.recipient === result.recipient);
    return decideTransmission({
      result,
      attempts: before?.attempts ?? 0,
      reachedServer: before?.reachedServer ?? false,
      ladderMs: options.ladderMs,
      nowMs: clock.now(),
      expiresAtMs: message.expiresAtMs,
      random: options.random(),
    });
  }

  async function settle(
    job: MailJob,
    message: MessageRecord,
    transmission: Transmission & { startedAtMs: number },
  ): Promise<void> {
    const decisions = transmission.results.map((result) => {
      return { result, step: decide(job, message, result) };
    });
    const atMs = clock.now();
    const { projectId, messageId } = job;
    const events = decisions.flatMap(({ result: { recipient }, step }) =>
      step.events.map((given) => {
        const id = options.ids.next('event');
        const event = createMailEvent({ id, atMs, message, recipient, ...given });
        return { projectId, dedupKey: null, event };
      }),
    );
    const statements = decisions.map(({ result, step }) => {
      const { state, attempts, reachedServer, dueAtMs: due } = step;
      const key = { projectId, messageId, recipient: result.recipient, node };
      return messages.settlement({ ...key, state, attempts, reachedServer, dueAtMs: due });
    });
    const kept = options.transcripts.insertion(message, transmission, decisions);
    await untilStored(() => options.log.append(events, [...statements, ...kept]), messageId);
    for (const { step } of decisions) if (step.state === 'queued') options.wake(step.dueAtMs);
  }

  /** What a mail server has answered must not be forgotten: tries until the store takes it. */
  async function untilStored(store: () => Promise<unknown>, messageId: string): Promise<void> {
    for (;;) {
      try {
        await store();
        return;
      } catch (error) {
        if (error instanceof StoreConflict) {
          logger.warn({ message: messageId }, 'Another node has taken this message over meanwhile');
          return;
        }
        if (!(error instanceof StoreUnavailable) || error.code === 'closed') throw error;
        await new Promise<void>((resolve) => clock.after(1_000, resolve));
      }
    }
  }

  function outcomesOf(job: MailJob, dueAtMs = clock.now()): TransmissionOutcome[] {
    const { projectId, messageId } = job;
    return job.recipients.map(({ recipient, attempts, reachedServer }) => {
      const key = { projectId, messageId, recipient, node };
      return { ...key, state: 'queued', attempts, reachedServer, dueAtMs };
    });
  }

  async function giveBack(jobs: readonly MailJob[], dueAtMs: number): Promise<void> {
    const [first] = jobs;
    if (first === undefined) return;
    const outcomes = jobs.flatMap((job) => outcomesOf(job, dueAtMs));
    try {
      await messages.release(outcomes);
      options.wake(Math.max(dueAtMs, clock.now() + 1_000));
    } catch (error) {
      // They stay leased to this node and become due when it starts anew.
      logger.warn({ error: messageOf(error) }, 'Mail could not be given back to the queue');
    }
  }

  /** Deterministic faults must not keep a message for ever: it fails when it expires. */
  async function putAside(job: MailJob): Promise<void> {
    const dueAtMs = clock.now() + BROKEN_WAIT_MS;
    if (job.message !== null && dueAtMs >= job.message.expiresAtMs) {
      return fail(job, 'Posthorn could not send this message; its log says why.');
    }
    await untilStored(() => messages.release(outcomesOf(job, dueAtMs)), job.messageId);
    options.wake(dueAtMs);
  }

  return {
    giveBack,
    async deliver(job) {
      try {
        await attempt(job);
      } catch (error) {
        const fields = { message: job.messageId, error: messageOf(error) };
        logger.error(fields, 'A delivery attempt broke');
        await putAside(job).catch((fault: unknown) => {
          logger.warn({ error: messageOf(fault) }, 'Mail could not be given back to the queue');
        });
      }
    },
  };
}
