import { isAscii } from 'node:buffer';
import type { DsnRequest } from '../../core/mail/dsn.ts';
import { formatMailParameters, formatRcptParameters } from '../dsn-parameters.ts';
import type { RecipientResult, TransmitErrorCode, TransmitStage } from '../transmission.ts';
import { encodeData } from './encode-data.ts';
import type { SmtpSession } from './open-session.ts';
import type { ServerReply } from './reply-reader.ts';
import { aborted, LinkFailure } from './smtp-link.ts';

export interface Mail {
  envelopeFrom: string;
  recipients: readonly string[];
  /** CRLF line ends, dots as they are. */
  raw: Uint8Array;
  /** Whether the message asks for RFC 6531 (a header in UTF-8, say). */
  smtputf8: boolean;
  /** Its recipients written as those above. */
  dsn: DsnRequest | null;
}

/** What was decided about one recipient, by a reply or by us. */
export interface Verdict {
  outcome: RecipientResult['outcome'];
  stage: TransmitStage;
  errorCode: TransmitErrorCode | null;
  reply: ServerReply | null;
  /** Where no server said it. */
  enhancedCode?: string;
}

export interface TransactionOutcome {
  /** One for each recipient; `null` where the link broke before anything was decided. */
  verdicts: (Verdict | null)[];
  /** Why there are `null`s. */
  broken: { failure: LinkFailure; stage: TransmitStage; mailAnswered: boolean } | null;
  /** Whether the session may carry another message. */
  reusable: boolean;
}

export interface TransactionOptions {
  replyTimeoutMs: number;
  /** For each block of the message, and for the reply to the final dot (RFC 5321 4.5.3.2.6: 10 minutes). */
  dataTimeoutMs: number;
  /**
   * The session has lain idle. A 421 to MAIL then speaks of the connection (too old, too many
   * messages), and counts as its loss.
   */
  reused: boolean;
  signal: AbortSignal;
}

/** Bytes handed to the socket before waiting for it to take more. */
const BLOCK_BYTES = 262_144;

/**
 * One mail transaction (RFC 5321 3.3):
 *
 *     MAIL -> RCPT ... -> DATA -> message -> final dot -> reply
 *
 * With PIPELINING (RFC 2920) MAIL, every RCPT and DATA leave in one write. A refused recipient keeps
 * its own reply; the message goes to the others. A 421 decides everything still open. 8-bit content
 * is sent as it is to a server without 8BITMIME: downgrading would break signatures, and every
 * server that matters is 8-bit clean. Never rejects for anything that the network does.
 */
export async function runTransaction(
  session: SmtpSession,
  mail: Mail,
  how: TransactionOptions,
): Promise<TransactionOutcome> {
  const transaction = new Transaction(session, mail, how);
  const stop = () => session.link.destroy(aborted());
  how.signal.addEventListener('abort', stop);
  try {
    if (how.signal.aborted) stop();
    return await transaction.run();
  } finally {
    how.signal.removeEventListener('abort', stop);
  }
}

class Transaction {
  readonly #session: SmtpSession;
  readonly #mail: Mail;
  readonly #how: TransactionOptions;
  readonly #verdicts: (Verdict | null)[];
  readonly #pipelining: boolean;
  readonly #dsn: DsnRequest | null;
  #stage: TransmitStage = 'mail';
  #mailAnswered = false;
  #reusable = true;

  constructor(session: SmtpSession, mail: Mail, how: TransactionOptions) {
    this.#session = session;
    this.#mail = mail;
    this.#how = how;
    this.#verdicts = mail.recipients.map(() => null);
    this.#pipelining = session.extensions.has('PIPELINING');
    // Nobody is told of mail without a sender.
    this.#dsn = session.extensions.has('DSN') && mail.envelopeFrom !== '' ? mail.dsn : null;
  }

  async run(): Promise<TransactionOutcome> {
    this.#refuseUnsendable();
    let broken: TransactionOutcome['broken'] = null;
    try {
      if (this.#open().length > 0) await this.#converse();
    } catch (error) {
      if (!(error instanceof LinkFailure)) throw error;
      this.#reusable = false;
      this.#session.link.transcript?.note(`Broken off: ${error.message} (${error.errorCode})`);
      if (error.errorCode === 'protocol_error') this.#session.link.destroy(error);
      broken = this.#breakOff(error);
    }
    return { verdicts: this.#verdicts, broken, reusable: this.#reusable };
  }

  async #converse(): Promise<void> {
    const { link } = this.#session;
    const recipients = this.#open();
    const commands = recipients.map((index) => this.#rcptCommand(index));
    link.write(
      this.#pipelining ? [this.#mailCommand(), ...commands, 'DATA\r\n'] : [this.#mailCommand()],
    );

    const mailReply = await this.#next();
    if (mailReply.code === 421 && this.#how.reused) {
      throw new LinkFailure('connection_lost', 'the server closed an idle connection');
    }
    this.#mailAnswered = true;
    this.#expect(mailReply, mailReply.code < 300);
    if (mailReply.code >= 300) {
      this.#settle(recipients, mailReply);
      // Refused in a pipeline: the rest of the replies come all the same.
      if (this.#pipelining && this.#reusable) await this.#discard(recipients.length);
      return;
    }
    this.#stage = 'rcpt';
    for (const [order, index] of recipients.entries()) {
      if (!this.#pipelining) link.write([commands[order] ?? '']);
      const reply = await this.#next();
      this.#expect(reply, reply.code < 300);
      if (reply.code === 421) return this.#settle(this.#open(), reply);
      if (reply.code >= 300) this.#settle([index], reply);
    }
    if (this.#open().length === 0) return this.#giveUp();
    await this.#sendData(link);
  }

  async #sendData(link: SmtpSession['link']): Promise<void> {
    this.#stage = 'data';
    if (!this.#pipelining) link.write(['DATA\r\n']);
    const dataReply = await this.#next();
    this.#expect(dataReply, dataReply.code === 354);
    if (dataReply.code !== 354) {
      this.#settle(this.#open(), dataReply);
      return this.#reset();
    }
    const pieces = blocks(encodeData(this.#mail.raw));
    link.transcript?.note(`The message follows, ${this.#mail.raw.length} bytes, and a final dot`);
    for (const [at, piece] of pieces.entries()) {
      await link.drained(this.#how.dataTimeoutMs);
      // From here on the message may arrive whole, whatever we hear.
      if (at === pieces.length - 1) this.#stage = 'reply';
      link.write(piece);
    }
    const reply = await link.nextReply(this.#how.dataTimeoutMs);
    this.#expect(reply, reply.code < 300);
    this.#settle(this.#open(), reply);
  }

  /**
   * Where neither what is due comes nor a refusal, replies and commands are out of step: a 250 to DATA answers
   * something before it, and is no delivery.
   */
  #expect(reply: ServerReply, isDue: boolean): void {
    if (isDue || reply.code >= 400) return;
    throw new LinkFailure(
      'protocol_error',
      `the server answered ${reply.code} where that has no place`,
    );
  }

  /** Nobody is left. A pipelined DATA is answered yet, and a 354 must be ended (RFC 2920 3.1). */
  async #giveUp(): Promise<void> {
    if (!this.#reusable) return;
    this.#stage = 'data';
    if (this.#pipelining) {
      const reply = await this.#next();
      if (reply.code === 354) {
        this.#session.link.write(['.\r\n']);
        const end = await this.#next();
        if (end.code === 421) this.#reusable = false;
        return;
      }
    }
    await this.#reset();
  }

  /** Reads the replies to the RCPTs and DATA behind a refused MAIL. */
  async #discard(recipients: number): Promise<void> {
    for (let read = 0; read < recipients; read += 1) await this.#next();
    const dataReply = await this.#next();
    // A server that refuses MAIL and takes DATA: no telling what it would do with a lone dot.
    if (dataReply.code === 354) {
      this.#reusable = false;
      this.#session.link.destroy(new LinkFailure('protocol_error', 'DATA was taken without MAIL'));
    }
  }

  /** Clears the server's buffers for the next message on this connection. */
  async #reset(): Promise<void> {
    if (!this.#reusable) return;
    this.#session.link.write(['RSET\r\n']);
    const reply = await this.#next();
    this.#expect(reply, reply.code < 300);
    if (reply.code !== 250) this.#reusable = false;
  }

  #next(): Promise<ServerReply> {
    return this.#session.link.nextReply(this.#how.replyTimeoutMs);
  }

  #open(): number[] {
    return [...this.#verdicts.keys()].filter((index) => this.#verdicts[index] === null);
  }

  #settle(indexes: readonly number[], reply: ServerReply): void {
    const outcome = reply.code < 300 ? 'delivered' : reply.code >= 500 ? 'refused' : 'deferred';
    const errorCode = outcome === 'delivered' ? null : 'smtp_reply';
    for (const index of indexes) {
      this.#verdicts[index] = { outcome, stage: this.#stage, errorCode, reply };
    }
    // RFC 5321 3.8: after 421 the server closes.
    if (reply.code === 421) this.#reusable = false;
  }

  /** What the link's end means for the recipients that are still open. */
  #breakOff(failure: LinkFailure): TransactionOutcome['broken'] {
    // A server that refuses in mid-message and hangs up has its say.
    const said =
      this.#stage === 'data' || this.#stage === 'reply' ? this.#session.link.pendingReply() : null;
    if (said !== null && said.code >= 400 && failure.errorCode !== 'aborted') {
      this.#settle(this.#open(), said);
      return null;
    }
    // Who can tell which of them was refused?
    if (failure.errorCode === 'protocol_error') this.#forgetReplies();
    if (this.#stage !== 'reply' || failure.errorCode === 'aborted') {
      return this.#open().length === 0
        ? null
        : { failure, stage: this.#stage, mailAnswered: this.#mailAnswered };
    }
    for (const index of this.#open()) {
      this.#verdicts[index] = {
        outcome: 'deferred',
        stage: 'reply',
        errorCode: 'connection_lost_after_data',
        reply: null,
      };
    }
    return null;
  }

  #forgetReplies(): void {
    for (const [index, verdict] of this.#verdicts.entries()) {
      if (verdict !== null && verdict.reply !== null) this.#verdicts[index] = null;
    }
  }

  /** RFC 6531 3.2: an address that is not ASCII goes to no server that did not offer SMTPUTF8. */
  #refuseUnsendable(): void {
    if (this.#session.extensions.has('SMTPUTF8')) return;
    const everyone = needsUtf8(this.#mail.envelopeFrom);
    for (const [index, recipient] of this.#mail.recipients.entries()) {
      if (!everyone && !needsUtf8(recipient)) continue;
      this.#verdicts[index] = {
        outcome: 'refused',
        stage: everyone ? 'mail' : 'rcpt',
        errorCode: 'smtputf8_unsupported',
        reply: null,
        enhancedCode: '5.6.7',
      };
    }
  }

  #mailCommand(): string {
    const { extensions } = this.#session;
    const { envelopeFrom, raw, recipients } = this.#mail;
    const is8Bit = !isAscii(raw);
    const utf8 =
      this.#mail.smtputf8 ||
      [envelopeFrom, ...recipients].some(needsUtf8) ||
      (is8Bit && !isAscii(headerOf(raw)));
    let command = `MAIL FROM:<${envelopeFrom}>`;
    if (extensions.has('SIZE')) command += ` SIZE=${raw.length}`;
    if (extensions.has('8BITMIME') && is8Bit) command += ' BODY=8BITMIME';
    if (extensions.has('SMTPUTF8') && utf8) command += ' SMTPUTF8';
    if (this.#dsn !== null) command += formatMailParameters(this.#dsn);
    return `${command}\r\n`;
  }

  #rcptCommand(index: number): string {
    const recipient = this.#mail.recipients[index] ?? '';
    const parameters = this.#dsn === null ? '' : formatRcptParameters(this.#dsn, recipient);
    return `RCPT TO:<${recipient}>${parameters}\r\n`;
  }
}

function needsUtf8(address: string): boolean {
  return !isAscii(Buffer.from(address));
}

/** RFC 6532 lets headers have UTF-8; bodies have 8BITMIME. */
function headerOf(raw: Uint8Array): Uint8Array {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const end = bytes.indexOf('\r\n\r\n');
  return end === -1 ? bytes : bytes.subarray(0, end);
}

/** Groups pieces into writes of some size, and cuts large ones. */
function blocks(pieces: readonly Uint8Array[]): Uint8Array[][] {
  const grouped: Uint8Array[][] = [];
  let group: Uint8Array[] = [];
  let groupBytes = 0;
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; from += BLOCK_BYTES) {
      const block = piece.subarray(from, from + BLOCK_BYTES);
      if (groupBytes + block.length > BLOCK_BYTES && group.length > 0) {
        grouped.push(group);
        group = [];
        groupBytes = 0;
      }
      group.push(block);
      groupBytes += block.length;
    }
  }
  grouped.push(group);
  return grouped;
}
