import { parseSmtpReply } from '@posthorn/bounce';
import { type RecipientResult, TRANSMIT_ERRORS } from '../transmission.ts';
import type { SmtpSession, StageFailure } from './open-session.ts';
import type { ServerReply } from './reply-reader.ts';
import type { Verdict } from './run-transaction.ts';

/** The results of one message as they come in: each recipient is open until it is settled. */
export interface TransmissionRecord {
  /** Indexes of the recipients without a final result. */
  open(): number[];
  /** What a server decided, over `session`. `null` verdicts leave their recipient open. */
  settle(
    indexes: readonly number[],
    verdicts: readonly (Verdict | null)[],
    session: SmtpSession,
  ): void;
  /** What was decided without any server; `message` says why. */
  refuse(indexes: readonly number[], verdict: Verdict, message: string): void;
  /** What the open ones end with, unless something better comes. */
  failOpen(failure: StageFailure, host?: string): void;
  /** Throws where a recipient has neither a verdict nor a failure: the caller's mistake. */
  finish(): RecipientResult[];
}

const MAX_RESPONSE_CHARS = 1_000;

export function createTransmissionRecord(
  recipients: readonly string[],
  nowMs: () => number,
): TransmissionRecord {
  const startedMs = nowMs();
  const results: (RecipientResult | null)[] = recipients.map(() => null);
  const settled = recipients.map(() => false);

  function record(
    index: number,
    verdict: Verdict,
    by: { session: SmtpSession | null; message: string },
  ): void {
    settled[index] = true;
    const said = described(verdict.reply, by.message);
    results[index] = {
      recipient: recipients[index] ?? '',
      outcome: verdict.outcome,
      stage: verdict.stage,
      errorCode: verdict.errorCode,
      ...said,
      enhancedCode: verdict.enhancedCode ?? said.enhancedCode,
      mx: by.session?.host ?? null,
      remoteIp: by.session?.link.remoteIp ?? null,
      tls: by.session?.tls ?? null,
      reachedServer: by.session !== null,
      ...(by.session?.extensions.has('DSN') === true ? { offersDsn: true } : {}),
      latencyMs: nowMs() - startedMs,
    };
  }

  return {
    open: () => [...settled.keys()].filter((index) => !settled[index]),
    settle(indexes, verdicts, session) {
      for (const [order, index] of indexes.entries()) {
        const verdict = verdicts[order];
        if (!verdict) continue;
        const message = verdict.errorCode === null ? '' : TRANSMIT_ERRORS[verdict.errorCode];
        record(index, verdict, { session, message });
      }
    },
    refuse(indexes, verdict, message) {
      for (const index of indexes) record(index, verdict, { session: null, message });
    },
    failOpen(failure, host) {
      for (const [index, recipient] of recipients.entries()) {
        if (settled[index]) continue;
        results[index] = {
          recipient,
          outcome: isPermanent(failure) ? 'refused' : 'deferred',
          stage: failure.stage,
          errorCode: failure.errorCode,
          ...described(failure.reply, failure.message),
          mx: host ?? null,
          remoteIp: failure.remoteIp,
          tls: failure.tls,
          reachedServer: failure.reachedServer,
          latencyMs: nowMs() - startedMs,
        };
      }
    },
    finish() {
      return results.map((result) => {
        if (result === null) throw new Error('a recipient was left without a result');
        return result;
      });
    },
  };
}

/**
 * A 5yz before MAIL speaks of us or of the host, not of a recipient, and often only of the hour:
 * it is tried again. Not so 521 (RFC 7504: this host takes no mail) and an EHLO refused for good.
 */
function isPermanent(failure: StageFailure): boolean {
  if (failure.errorCode !== 'smtp_reply' || failure.reply === null) return false;
  return failure.reply.code === 521 || (failure.stage === 'ehlo' && failure.reply.code >= 500);
}

type Said = Pick<RecipientResult, 'smtpCode' | 'enhancedCode' | 'response'>;

function described(reply: ServerReply | null, words: string): Said {
  if (reply === null) {
    return { smtpCode: null, enhancedCode: null, response: words.slice(0, MAX_RESPONSE_CHARS) };
  }
  const { code, lines } = reply;
  const text = lines.map((line) => `${code} ${line}`).join('\n');
  const read = parseSmtpReply(text);
  const repeats = read.enhancedCode !== null && !read.text.includes(read.enhancedCode);
  const parts = repeats ? [code, read.enhancedCode, read.text] : [code, read.text];
  return {
    smtpCode: code,
    enhancedCode: read.enhancedCode,
    response: parts.join(' ').trim().slice(0, MAX_RESPONSE_CHARS),
  };
}
