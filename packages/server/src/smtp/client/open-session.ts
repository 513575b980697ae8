import { isIP } from 'node:net';
import { matchTlsa, type TlsaRecord } from '../tls-policy/match-tlsa.ts';
import type { TransmitErrorCode, TransmitStage } from '../transmission.ts';
import type { ServerReply } from './reply-reader.ts';
import { aborted, connectLink, LinkFailure, type SmtpLink } from './smtp-link.ts';
import type { TlsOffer } from './tls-peer.ts';
import type { Transcript } from './transcript.ts';

/** A connection that has been greeted, secured and authenticated, ready for MAIL. */
export interface SmtpSession {
  link: SmtpLink;
  /** The name of the server, as DNS or the configuration has it. */
  host: string;
  tls: boolean;
  /** EHLO keyword in upper case, and its parameters (RFC 5321 4.1.1.1). */
  extensions: ReadonlyMap<string, string>;
  /** Of this machine, where it was chosen by us. */
  localAddress: string | undefined;
  /** Messages sent over it so far. */
  messages: number;
}

/** A session that could not be opened, or broke: where, why, and what the server said. */
export class StageFailure extends Error {
  readonly stage: TransmitStage;
  readonly errorCode: TransmitErrorCode;
  readonly reply: ServerReply | null;
  readonly remoteIp: string | null;
  readonly tls: boolean | null;
  readonly reachedServer: boolean;

  constructor(
    errorCode: TransmitErrorCode,
    message: string,
    at: Pick<StageFailure, 'stage' | 'reply' | 'remoteIp' | 'tls' | 'reachedServer'>,
  ) {
    super(message);
    this.errorCode = errorCode;
    this.stage = at.stage;
    this.reply = at.reply;
    this.remoteIp = at.remoteIp;
    this.tls = at.tls;
    this.reachedServer = at.reachedServer;
  }
}

export interface SessionPolicy {
  /** `implicit`: TLS from the first byte. `require`: no mail without STARTTLS. */
  tls: 'off' | 'opportunistic' | 'require' | 'implicit';
  verify: boolean;
  ca?: string | undefined;
  /** In place of `verify`: one of the records has to vouch for the server (RFC 7672). */
  dane?: { records: readonly TlsaRecord[]; names: readonly string[] };
  login?: { user: string; pass: string } | undefined;
}

export interface SessionTimeouts {
  connectTimeoutMs: number;
  greetingTimeoutMs: number;
  replyTimeoutMs: number;
}

export interface SessionTarget {
  host: string;
  /** An address to connect to, or a name for the operating system to look up. */
  address: string;
  port: number;
  localAddress?: string | undefined;
  heloName: string;
  policy: SessionPolicy;
  timeouts: SessionTimeouts;
  transcript: Transcript;
  now: () => number;
  signal: AbortSignal;
}

/**
 * Connects, reads the greeting, says EHLO (HELO to a server that knows no EHLO), STARTTLS and AUTH
 * as `policy` has it. Rejects with a `StageFailure`. nodemailer's `SMTPConnection` is not used: its
 * errors do not say whether MAIL was answered or the final dot sent, one timeout serves every
 * stage, and a refused DATA loses what was said to each RCPT.
 */
export async function openSession(target: SessionTarget): Promise<SmtpSession> {
  const opening = new Opening(target);
  try {
    return await opening.run();
  } catch (error) {
    throw opening.failed(error);
  }
}

class Opening {
  readonly #target: SessionTarget;
  #stage: TransmitStage = 'connect';
  #link: SmtpLink | null = null;
  #tls: boolean;
  #reachedServer = false;
  #reply: ServerReply | null = null;

  constructor(target: SessionTarget) {
    this.#target = target;
    this.#tls = target.policy.tls === 'implicit';
  }

  async run(): Promise<SmtpSession> {
    const { host, address, port, localAddress, policy, timeouts, signal, transcript } =
      this.#target;
    const from = localAddress === undefined ? '' : ` from ${localAddress}`;
    transcript.note(`Connecting to ${host} (${address}) port ${port}${from}`);
    const timeoutMs = timeouts.connectTimeoutMs;
    const tls = this.#tls ? this.#tlsOffer() : undefined;
    const link = await connectLink({ host: address, port, localAddress, timeoutMs, tls, signal });
    this.#link = link;
    link.transcript = transcript;
    if (this.#tls) this.#noteTls(link);
    const stop = () => link.destroy(aborted());
    signal.addEventListener('abort', stop);
    try {
      this.#stage = 'greeting';
      await this.#expect(link, timeouts.greetingTimeoutMs, [220]);
      let extensions = await this.#hello(link);
      if (
        policy.tls === 'require' ||
        (policy.tls === 'opportunistic' && extensions.has('STARTTLS'))
      ) {
        if (await this.#secure(link)) extensions = await this.#hello(link);
      }
      if (policy.login !== undefined) await this.#logIn(link, extensions, policy.login);
      return { link, host, tls: this.#tls, extensions, localAddress, messages: 0 };
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  failed(error: unknown): unknown {
    if (!(error instanceof LinkFailure)) return error;
    this.#target.transcript.note(`No session: ${error.message} (${error.errorCode})`);
    this.#link?.destroy(error);
    const tlsConnect = this.#stage === 'connect' && error.errorCode === 'tls_error';
    return new StageFailure(error.errorCode, error.message, {
      stage: tlsConnect ? 'tls' : this.#stage,
      reply:
        error.errorCode === 'smtp_reply' || error.errorCode === 'auth_failed' ? this.#reply : null,
      remoteIp: this.#link?.remoteIp ?? (isIP(this.#target.address) ? this.#target.address : null),
      tls: this.#link === null ? null : this.#tls,
      reachedServer: this.#reachedServer,
    });
  }

  /** The next reply; a `LinkFailure` (smtp_reply) where its code is not among `codes`. */
  async #expect(link: SmtpLink, timeoutMs: number, codes: readonly number[]): Promise<ServerReply> {
    const reply = await link.nextReply(timeoutMs);
    this.#reachedServer = true;
    this.#reply = reply;
    if (!codes.includes(reply.code)) throw new LinkFailure('smtp_reply', `answered ${reply.code}`);
    return reply;
  }

  async #hello(link: SmtpLink): Promise<Map<string, string>> {
    this.#stage = 'ehlo';
    const { heloName, timeouts } = this.#target;
    link.write([`EHLO ${heloName}\r\n`]);
    const reply = await link.nextReply(timeouts.replyTimeoutMs);
    if (reply.code === 250) return readExtensions(reply);
    this.#reply = reply;
    if (reply.code < 500) throw new LinkFailure('smtp_reply', `answered ${reply.code}`);
    // RFC 5321 3.2: a server without EHLO is asked with HELO.
    link.write([`HELO ${heloName}\r\n`]);
    await this.#expect(link, timeouts.replyTimeoutMs, [250]);
    return new Map();
  }

  /** False: the server would not, and we may go on without. */
  async #secure(link: SmtpLink): Promise<boolean> {
    this.#stage = 'tls';
    const { policy, timeouts } = this.#target;
    link.write(['STARTTLS\r\n']);
    const reply = await link.nextReply(timeouts.replyTimeoutMs);
    if (reply.code !== 220) {
      this.#reply = reply;
      if (policy.tls === 'opportunistic' && reply.code !== 421) return false;
      throw new LinkFailure(
        reply.code === 421 ? 'smtp_reply' : 'tls_error',
        'STARTTLS was refused',
      );
    }
    await link.startTls(this.#tlsOffer(), timeouts.greetingTimeoutMs);
    this.#tls = true;
    this.#noteTls(link);
    this.#checkDane(link);
    return true;
  }

  #checkDane(link: SmtpLink): void {
    const { policy, now } = this.#target;
    if (policy.dane === undefined) return;
    const { records, names } = policy.dane;
    const fault = matchTlsa(link.tlsPeer()?.chain() ?? [], records, { names, nowMs: now() });
    if (fault !== null) throw new LinkFailure('tls_error', fault);
  }

  #noteTls(link: SmtpLink): void {
    const peer = link.tlsPeer();
    if (peer === null) return;
    const { protocol, cipher, fault } = peer;
    const verdict = fault === null ? 'the certificate is right' : `certificate: ${fault}`;
    this.#target.transcript.note(`${protocol} with ${cipher}; ${verdict}`);
  }

  #tlsOffer(): TlsOffer {
    const { host, policy } = this.#target;
    return { host, verify: policy.verify, ca: policy.ca };
  }

  async #logIn(
    link: SmtpLink,
    extensions: ReadonlyMap<string, string>,
    login: { user: string; pass: string },
  ): Promise<void> {
    this.#stage = 'auth';
    const timeoutMs = this.#target.timeouts.replyTimeoutMs;
    const offered = (extensions.get('AUTH') ?? '').toUpperCase().split(/\s+/);
    if (offered.includes('LOGIN') && !offered.includes('PLAIN')) {
      link.write(['AUTH LOGIN\r\n']);
      await this.#authReply(link, timeoutMs, 334);
      link.write([`${base64(login.user)}\r\n`], HIDDEN);
      await this.#authReply(link, timeoutMs, 334);
      link.write([`${base64(login.pass)}\r\n`], HIDDEN);
    } else {
      const proof = base64(`\0${login.user}\0${login.pass}`);
      link.write([`AUTH PLAIN ${proof}\r\n`], `AUTH PLAIN ${HIDDEN}`);
    }
    await this.#authReply(link, timeoutMs, 235);
  }

  async #authReply(link: SmtpLink, timeoutMs: number, code: number): Promise<void> {
    this.#reply = await link.nextReply(timeoutMs);
    if (this.#reply.code === 421) throw new LinkFailure('smtp_reply', 'answered 421');
    if (this.#reply.code !== code) throw new LinkFailure('auth_failed', 'the login was refused');
  }
}

/** A login stands in no transcript. */
const HIDDEN = '[hidden]';

function readExtensions(reply: ServerReply): Map<string, string> {
  const extensions = new Map<string, string>();
  for (const line of reply.lines.slice(1)) {
    // Old servers write AUTH=LOGIN.
    const [keyword = '', ...parameters] = line.trim().split(/[\s=]+/);
    extensions.set(keyword.toUpperCase(), parameters.join(' '));
  }
  return extensions;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
