import { setMaxListeners } from 'node:events';
import type { DsnRequest } from '../core/mail/dsn.ts';
import { findRoute, type Route, type RouteOptions, unlessAborted } from './client/find-route.ts';
import {
  againstPolicy,
  brokenFailure,
  fullWarmup,
  stopped,
  withoutSource,
} from './client/host-failures.ts';
import { openEncryptedOrPlain } from './client/open-encrypted-or-plain.ts';
import { type SmtpSession, StageFailure } from './client/open-session.ts';
import {
  type Mail,
  runTransaction,
  type TransactionOutcome,
  type Verdict,
} from './client/run-transaction.ts';
import { createSmtpConnectionPool, type PoolLease } from './client/smtp-connection-pool.ts';
import type { SourceAddresses } from './client/source-addresses.ts';
import { createTranscript, type Transcript } from './client/transcript.ts';
import { createTransmissionRecord, type TransmissionRecord } from './client/transmission-record.ts';
import { wireAddress } from './client/wire-address.ts';
import type { DestinationHost } from './resolve-destination.ts';
import type { SmtpLog } from './smtp-log.ts';
import { type HostPolicy, noteTrial } from './tls-policy/host-policy.ts';
import type { Transmission } from './transmission.ts';

export interface TransmitterOptions extends RouteOptions {
  heloName: string;
  /** RFC 5321 4.5.3.2: 5 minutes for the greeting, MAIL and RCPT, 2 for DATA, 10 for the last reply. */
  connectTimeoutMs: number;
  greetingTimeoutMs: number;
  replyTimeoutMs: number;
  dataTimeoutMs: number;
  maxConnectionsPerDestination: number;
  maxMessagesPerConnection: number;
  idleMs: number;
  now: () => number;
  log: SmtpLog;
  /** Of this machine, for its connections; without any the system chooses. */
  sources?: SourceAddresses;
}

export interface TransmitJob {
  /** The domain of all recipients; of no meaning with a smarthost. */
  domain: string;
  /** The empty string for the null sender. */
  envelopeFrom: string;
  recipients: readonly string[];
  /** The message, ready: CRLF line ends, signed, dots as they are. */
  raw: Uint8Array;
  smtputf8: boolean;
  /** For servers that offer DSN; absent or null: nothing was asked for. */
  dsn?: DsnRequest | null;
  signal: AbortSignal;
}

export interface Transmitter {
  /** One result for each recipient. Never rejects for anything that DNS or the network does. */
  transmit(job: TransmitJob): Promise<Transmission>;
  /** Ends idle connections and waits for busy ones. Later calls are answered `aborted`. */
  close(): Promise<void>;
}

/** Connections tried for one message before it is left to the next attempt. */
const MAX_CONNECTIONS_TRIED = 6;

/**
 * Sends messages to the mail servers of a domain, or to a smarthost, over pooled connections.
 *
 * The next host is asked only where this one was not reached, did not greet, did not take EHLO or
 * broke off before the whole message was sent (RFC 5321 5.1). An answer to MAIL, RCPT or DATA stands:
 * a 4yz there is not carried around to the other hosts. A connection that was used before and broke
 * before MAIL was answered has only been idle too long, and is replaced once. Where the final dot was
 * sent and no reply came, nobody else is asked: that could deliver twice.
 */
export function createTransmitter(options: TransmitterOptions): Transmitter {
  const pool = createSmtpConnectionPool({ ...options, endSession });
  const { sources } = options;

  async function transmit(job: TransmitJob): Promise<Transmission> {
    const record = createTransmissionRecord(job.recipients, options.now);
    const transcript = createTranscript(options.now);
    const mail = checkedMail(job, record);
    const site =
      record.open().length === 0 ? null : await deliver(job, { mail, record, transcript });
    return { results: record.finish(), site, transcript: transcript.lines() };
  }

  /** The names of the servers that there are. */
  async function deliver(job: TransmitJob, given: Given): Promise<string | null> {
    const { record, transcript } = given;
    // Many messages wait on one signal of the caller's; that is no leak.
    setMaxListeners(0, job.signal);
    const route = await findRoute(job.domain, options, job.signal);
    if (route === null) {
      record.failOpen(stopped());
      return null;
    }
    if ('verdict' in route) {
      transcript.note(route.message);
      record.refuse(record.open(), route.verdict, route.message);
      return null;
    }
    await tryHosts(route, given, job.signal);
    if (options.smarthost !== undefined) return null;
    const names = route.hosts.map(({ host }) => host);
    return names.sort().join();
  }

  async function tryHosts(route: Route, given: Given, signal: AbortSignal): Promise<void> {
    const { record, transcript } = given;
    const budget = { connections: MAX_CONNECTIONS_TRIED };
    for (const host of route.hosts) {
      if (record.open().length === 0 || budget.connections <= 0) return;
      const policy = await unlessAborted(route.policyFor(host.host), signal);
      if (policy === null) return record.failOpen(stopped());
      if ('refused' in policy) {
        transcript.note(policy.refused);
        record.failOpen(againstPolicy(policy.refused), host.host);
        continue;
      }
      if (policy.note !== null) transcript.note(policy.note);
      // Who shares a connection shares its terms.
      const key = `${host.host}:${route.port} ${policy.key}`;
      const lease = await pool.acquire(key, signal).catch(() => null);
      if (lease === null) return record.failOpen(stopped());
      const attempt = { ...given, host, route, policy, lease, budget, signal };
      // A release for the case that we have a bug: tryHost has released where it returns.
      const failure = await tryHost(attempt).finally(() => lease.release(null));
      if (failure === null) return;
      record.failOpen(failure, host.host);
      options.log.debug(
        { mx: host.host, stage: failure.stage, err: failure },
        'no delivery at this host',
      );
      if (failure.errorCode === 'aborted') return;
    }
  }

  /** `null`: every recipient has a verdict. Otherwise why this host gave none. */
  async function tryHost(attempt: Attempt): Promise<StageFailure | null> {
    const { lease, record } = attempt;
    let session = lease.idle;
    if (session !== null && sources?.mayUse(session.localAddress) === false) {
      endSession(session);
      session = null;
    }
    let reused = session !== null;
    for (;;) {
      if (session === null) {
        const opened = await openAny(attempt);
        if (opened instanceof StageFailure) {
          lease.release(null);
          return opened;
        }
        session = opened;
      }
      const outcome = await send(session, reused, attempt);
      record.settle(record.open(), outcome.verdicts, session);
      const reached = outcome.verdicts.filter((verdict) => verdict?.outcome === 'delivered');
      sources?.sent(session.localAddress, reached.length);
      if (!outcome.reusable) {
        endSession(session);
        if (outcome.broken && reused && !outcome.broken.mailAnswered && !attempt.signal.aborted) {
          session = null;
          reused = false;
          continue;
        }
      }
      session.link.transcript = null;
      lease.release(outcome.reusable ? session : null);
      return outcome.broken === null ? null : brokenFailure(outcome.broken, session);
    }
  }

  function send(
    session: SmtpSession,
    reused: boolean,
    attempt: Attempt,
  ): Promise<TransactionOutcome> {
    const recipients = attempt.record.open().map((index) => attempt.mail.recipients[index] ?? '');
    const { link, host } = session;
    if (reused) {
      attempt.transcript.note(
        `A connection to ${host} (${link.remoteIp}) that has been used before`,
      );
    }
    link.transcript = attempt.transcript;
    session.messages += 1;
    const { replyTimeoutMs, dataTimeoutMs } = options;
    const how = { replyTimeoutMs, dataTimeoutMs, reused, signal: attempt.signal };
    return runTransaction(session, { ...attempt.mail, recipients }, how);
  }

  /** A session at the first address of the host that gives one, or the last failure. */
  async function openAny(attempt: Attempt): Promise<SmtpSession | StageFailure> {
    const { host, route, policy, budget, signal } = attempt;
    let last: StageFailure | null = null;
    for (const address of host.addresses) {
      if (budget.connections <= 0 && last !== null) break;
      const source = sources?.next(address) ?? { kind: 'system' };
      if (source.kind === 'none' || source.kind === 'full') {
        last ??= source.kind === 'none' ? withoutSource(address) : fullWarmup();
        continue;
      }
      const localAddress = source.kind === 'address' ? source.address : undefined;
      budget.connections -= 1;
      const { heloName } = options;
      const base = { host: host.host, address, port: route.port, heloName, localAddress, signal };
      const opened = await openEncryptedOrPlain({
        ...base,
        policy: policy.session,
        timeouts: options,
        transcript: attempt.transcript,
        now: options.now,
      });
      if (!(opened instanceof StageFailure)) {
        noteTrial(opened, policy.testing, attempt.transcript);
        return opened;
      }
      last = opened;
      if (opened.errorCode === 'aborted') break;
    }
    return last ?? stopped();
  }

  return { transmit, close: () => pool.close() };
}

/** A message on its way, with what has become of it. */
interface Given {
  mail: Mail;
  record: TransmissionRecord;
  transcript: Transcript;
}

interface Attempt extends Given {
  host: DestinationHost;
  route: Route;
  policy: Exclude<HostPolicy, { refused: string }>;
  lease: PoolLease;
  budget: { connections: number };
  signal: AbortSignal;
}

/** The mail with domains in ASCII. What could not stand in a command is refused, and left empty. */
function checkedMail(job: TransmitJob, record: TransmissionRecord): Mail {
  const recipients = job.recipients.map(wireAddress);
  const from = job.envelopeFrom === '' ? '' : wireAddress(job.envelopeFrom);
  const bad = record.open().filter((index) => from === null || recipients[index] === null);
  const stage = from === null ? 'mail' : 'rcpt';
  const verdict: Verdict = {
    outcome: 'refused',
    stage,
    errorCode: 'invalid_address',
    reply: null,
    enhancedCode: from === null ? '5.1.7' : '5.1.3',
  };
  record.refuse(bad, verdict, 'The address is malformed');
  return {
    envelopeFrom: from ?? '',
    recipients: recipients.map((recipient) => recipient ?? ''),
    raw: job.raw,
    smtputf8: job.smtputf8,
    dsn: !job.dsn ? null : withWireAddresses(job.dsn),
  };
}

function withWireAddresses(dsn: DsnRequest): DsnRequest {
  const recipients = dsn.recipients.map((one) => {
    return { ...one, recipient: wireAddress(one.recipient) ?? '' };
  });
  return { ...dsn, recipients };
}

/** RFC 5321 4.1.1.10: QUIT. Its answer is not waited for; the socket closes once it is written. */
function endSession(session: SmtpSession): void {
  if (session.link.isFresh()) session.link.write(['QUIT\r\n']);
  session.link.end();
}
