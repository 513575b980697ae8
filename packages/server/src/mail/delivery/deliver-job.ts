import type { Ids } from '../../core/ids.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { RecipientResult, Transmission } from '../../smtp/transmission.ts';
import type { EventLog } from '../../store/log/event-log.ts';
import type { MessageRecord, Messages } from '../../store/mail/messages.ts';
import type { TransmissionOutcome } from '../../store/mail/transmissions.ts';
import { decideTransmission } from '../decide-transmission.ts';
import type { DsnWriter } from '../dsn/create-dsn-writer.ts';
import { decideDsns, passOnDsn } from '../dsn/decide-dsn.ts';
import { createMailEvent } from '../mail-event.ts';
import type { MailJob } from '../mail-job.ts';
import { rejectSuppressed } from '../reject-suppressed.ts';
import type { EnvelopeSender } from '../return-path/envelope-sender.ts';
import { sandboxFollowUps, sandboxTransmission } from '../sandbox/sandbox-delivery.ts';
import type { SuppressionCheck } from '../suppression/suppression-check.ts';
import type { TrackingRoom } from '../tracking/create-tracking-room.ts';
import type { DestinationReport } from './destination-pace.ts';
import { judgeDestination } from './judge-destination.ts';
import type { TranscriptKeeper } from './keep-transcripts.ts';
import type { MailTransmitter } from './mail-transmitter.ts';
import { suspendedTransmission } from './suspended-transmission.ts';
import { untilSettled, untilStored } from './until-stored.ts';

export interface JobDeliveryOptions {
  messages: Pick<Messages, 'get' | 'outgoing' | 'settlement' | 'release'>;
  log: EventLog;
  transmitter: MailTransmitter;
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
  dsnWriter: DsnWriter;
  personalize: TrackingRoom['personalize'];
}

/** What is done with one job, from its message to what is stored of it. */
export interface JobDelivery {
  /** What it says of its destination. Never rejects: what breaks is given back to the queue. */
  deliver(job: MailJob): Promise<DestinationReport>;
  /** Counts as an attempt at a destination that does not answer. Never rejects. */
  putOff(job: MailJob, reason: string): Promise<void>;
  /** Unchanged, and due again at this time. */
  giveBack(jobs: readonly MailJob[], dueAtMs: number): Promise<void>;
}

/** What broke inside us would break again at once; so long it waits. */
const BROKEN_WAIT_MS = 30_000;
/** When what was given back is looked for again. */
const SOON_MS = 1_000;

export function createJobDelivery(
  options: JobDeliveryOptions & {
    signal: AbortSignal;
    /** False where the store takes nothing, or other nodes may have taken this one for dead. */
    mayBegin: () => boolean;
    /** Something waits in the store until then. */
    wake: (atMs: number) => void;
  },
): JobDelivery {
  const { messages, clock, logger, node, signal } = options;

  /** Null where there is nobody to send it to: then that is on record. */
  async function stillWanted(
    job: MailJob,
    find: () => Promise<MessageRecord | null>,
  ): Promise<MessageRecord | null> {
    if (!options.projectExists(job.projectId)) {
      await cancel(job);
      return null;
    }
    const message = await find();
    if (message === null) {
      const fields = { message: job.messageId };
      logger.error(fields, 'A queued message has lost its body; it is not sent');
      await fail(job, 'The stored message is gone; it was not sent.');
      return null;
    }
    if (message.sendAtMs !== null && !message.sandbox) await dropSuppressed(job, message);
    return job.recipients.length === 0 ? null : message;
  }

  async function attempt(job: MailJob): Promise<DestinationReport> {
    let raw = job.raw;
    const message = await stillWanted(job, async () => {
      if (job.message !== null && raw !== null) return job.message;
      const found = await messages.outgoing(job.projectId, job.messageId);
      job.message = found?.message ?? null;
      raw = found?.raw ?? null;
      return raw === null ? null : job.message;
    });
    if (message === null || raw === null) return SILENT;
    const copyOf = options.personalize(message, raw);
    const senderOf = ({ recipient }: { recipient: string }): string =>
      options.envelopeSender(message, recipient);
    const groups = Map.groupBy(job.recipients, (one) =>
      copyOf === null ? senderOf(one) : one.recipient,
    );
    let report = SILENT;
    for (const recipients of groups.values()) {
      const [first] = recipients;
      if (first === undefined) continue;
      const bytes = copyOf === null ? raw : await copyOf(first.recipient);
      if (!options.mayBegin()) break;
      const envelopeFrom = senderOf(first);
      report = await transact({ ...job, recipients }, { message, raw: bytes, envelopeFrom });
      // What is settled must not be given back should a later transaction break.
      job.recipients = job.recipients.filter((one) => !recipients.includes(one));
      if (report.verdict === 'slow' || report.verdict === 'dead') break;
    }
    // Who is asked for less must not get the rest of the list at once.
    if (job.recipients.length > 0) await putBack(job, clock.now(), SOON_MS);
    return report;
  }

  /**
   * One transaction has one sender and one message: recipients with return paths or copies of their own
   * come one after another.
   */
  async function transact(
    job: MailJob,
    given: { message: MessageRecord; raw: Uint8Array; envelopeFrom: string },
  ): Promise<DestinationReport> {
    const { message, raw, envelopeFrom } = given;
    const recipients = job.recipients.map(({ recipient }) => recipient);
    const startedAtMs = clock.now();
    const transmit = message.sandbox
      ? async () => sandboxTransmission(job.recipients)
      : options.transmitter.transmit;
    const transmission = await transmit({
      domain: job.domain,
      stream: message.stream,
      envelopeFrom,
      recipients,
      raw,
      smtputf8: [envelopeFrom, ...recipients].some((address) => !/^[\x20-\x7e]*$/.test(address)),
      dsn: passOnDsn(message, envelopeFrom),
      signal,
    });
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
    return message.sandbox ? SILENT : judgeDestination(transmission);
  }

  /** It was held against the list when it was accepted, and people have left since. */
  async function dropSuppressed(job: MailJob, message: MessageRecord): Promise<void> {
    const found = await rejectSuppressed({ ...options, job, message });
    if (found === null) return;
    const statements = outcomesOf(found.job).map((outcome) =>
      messages.settlement({ ...outcome, state: 'rejected' }),
    );
    await untilStored(() => options.log.append(found.events, statements), job.messageId, options);
    job.recipients = job.recipients.filter((one) => !found.job.recipients.includes(one));
  }

  /** Nobody is left who could be told, so there is no event. */
  async function cancel(job: MailJob): Promise<void> {
    const statements = outcomesOf(job).map((outcome) =>
      messages.settlement({ ...outcome, state: 'canceled' }),
    );
    await untilStored(() => options.log.append([], statements), job.messageId, options);
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
    await untilStored(() => options.log.append(events, statements), messageId, options);
  }

  function decide(job: MailJob, message: MessageRecord, result: RecipientResult) {
    const before = job.recipients.find((one) => one.recipient === result.recipient);
    return decideTransmission({
      result,
      attempts: before?.attempts ?? 0,
      reachedServer: before?.reachedServer ?? false,
      ladderMs: options.ladderMs,
      nowMs: clock.now(),
      sinceMs: message.sendAtMs ?? message.createdAtMs,
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
    const events = decisions.flatMap(({ result: { recipient, providerId = null }, step }) =>
      [...step.events, ...happeningsAfter(message, recipient, step.state)].map((given) => {
        const id = options.ids.next('event');
        const event = createMailEvent({ id, atMs, message, recipient, providerId, ...given });
        return { projectId, dedupKey: null, event };
      }),
    );
    const statements = decisions.map(({ result, step }) => {
      const { state, attempts, reachedServer, dueAtMs: due } = step;
      const key = { projectId, messageId, recipient: result.recipient, node };
      return messages.settlement({ ...key, state, attempts, reachedServer, dueAtMs: due });
    });
    const kept = options.transcripts.insertion(message, transmission, decisions);
    const { envelopeSender } = options;
    const toTell = decideDsns(message, decisions, { envelopeSender, nowMs: atMs });
    const store = async (): Promise<void> => {
      const told = await options.dsnWriter.write(message, toTell);
      const more = told ?? { events: [], statements: [] };
      const beside = [...statements, ...kept, ...more.statements];
      await options.log.append([...events, ...more.events], beside);
      told?.pass();
    };
    const bare = (): Promise<unknown> => options.log.append([], statements);
    await untilSettled({ store, settle: bare }, messageId, options);
    for (const { step } of decisions) if (step.state === 'queued') options.wake(step.dueAtMs);
  }

  function outcomesOf(job: MailJob, dueAtMs = clock.now()): TransmissionOutcome[] {
    const { projectId, messageId } = job;
    return job.recipients.map(({ recipient, attempts, reachedServer }) => {
      const key = { projectId, messageId, recipient, node };
      return { ...key, state: 'queued', attempts, reachedServer, dueAtMs };
    });
  }

  async function giveBack(jobs: readonly MailJob[], dueAtMs: number): Promise<void> {
    const outcomes = jobs.flatMap((job) => outcomesOf(job, dueAtMs));
    if (outcomes.length === 0) return;
    try {
      await messages.release(outcomes);
      options.wake(Math.max(dueAtMs, clock.now() + SOON_MS));
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
    await putBack(job, dueAtMs);
  }

  /** However long the store takes: what stays leased to a node that lives is sent by nobody. */
  async function putBack(job: MailJob, dueAtMs: number, waitMs = 0): Promise<void> {
    await untilStored(() => messages.release(outcomesOf(job, dueAtMs)), job.messageId, options);
    options.wake(dueAtMs + waitMs);
  }

  async function guarded<T>(job: MailJob, work: () => Promise<T>, broken: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const fields = { message: job.messageId, error: messageOf(error) };
      logger.error(fields, 'A delivery attempt broke');
      await putAside(job).catch((fault: unknown) => {
        logger.warn({ error: messageOf(fault) }, 'Mail could not be given back to the queue');
      });
      return broken;
    }
  }

  async function postpone(job: MailJob, reason: string): Promise<void> {
    const message = await stillWanted(job, async () => {
      job.message ??= await messages.get(job.projectId, job.messageId);
      return job.message;
    });
    if (message === null) return;
    const recipients = job.recipients.map(({ recipient }) => recipient);
    const transmission = suspendedTransmission(recipients, reason);
    await settle(job, message, { ...transmission, startedAtMs: clock.now() });
  }

  return {
    giveBack,
    deliver: (job) => guarded(job, () => attempt(job), SILENT),
    putOff: (job, reason) => guarded(job, () => postpone(job, reason), undefined),
  };
}

/** In the sandbox, what people and receivers do comes at once. */
function happeningsAfter(
  { sandbox }: MessageRecord,
  recipient: string,
  state: TransmissionOutcome['state'],
) {
  return sandbox && state === 'delivered' ? sandboxFollowUps(recipient) : [];
}

/** Of a job in which no server was asked. */
const SILENT: DestinationReport = { verdict: 'neutral', site: null, reason: '' };
