import type { ReplyStage } from '@posthorn/bounce';

/** How far the conversation with a receiving server had come. `reply`: after the final dot. */
export type TransmitStage = ReplyStage;

/** Every error code of a transmission, with what it means. */
export const TRANSMIT_ERRORS = {
  invalid_address: 'The address or its domain cannot be put into an SMTP command',
  dns_not_found: 'The domain, or every mail server that it names, does not exist',
  null_mx: 'The domain says that it takes no mail (RFC 7505)',
  dns_error: 'DNS gave no answer',
  private_address: 'The mail servers of the domain have addresses that mail may not be sent to',
  connection_refused: 'The server refused the connection',
  connect_timeout: 'The connection was not established in time',
  connection_failed: 'No connection could be made: no route, or no such local address',
  reply_timeout: 'The server did not answer in time',
  connection_lost: 'The connection broke before the whole message was sent',
  connection_lost_after_data:
    'The message was sent, and no reply came: it may have been delivered. Another attempt may deliver it twice',
  tls_error: 'TLS was not to be had, or the certificate was not right',
  warmup_full: 'Every address of the pool has sent what its warm-up allows today',
  tls_policy: 'What the domain asks of TLS (MTA-STS, DANE) could not be kept',
  auth_failed: 'The server did not accept our login',
  smtp_reply: 'The server answered with an error',
  smtputf8_unsupported:
    'The address is not ASCII, and the server does not offer SMTPUTF8 (RFC 6531)',
  protocol_error: 'The server did not speak SMTP',
  api_rejected: 'The API of the provider refused the message',
  api_throttled: 'The API of the provider asked for less',
  api_failed: 'The API of the provider, or our account there, does not work',
  suspended: 'Not tried, since nobody answered there a moment ago, or less mail was asked for',
  aborted: 'We stopped before it was over',
} as const satisfies Record<string, string>;

export type TransmitErrorCode = keyof typeof TRANSMIT_ERRORS;

/** What became of one recipient. */
export interface RecipientResult {
  recipient: string;
  /** `refused` is permanent, `deferred` may be tried again. */
  outcome: 'delivered' | 'deferred' | 'refused';
  stage: TransmitStage;
  /** `null` for a delivered message. */
  errorCode: TransmitErrorCode | null;
  smtpCode: number | null;
  /** RFC 3463. */
  enhancedCode: string | null;
  /** The whole reply on one line, or our own words; at most 1,000 characters. */
  response: string | null;
  mx: string | null;
  remoteIp: string | null;
  /** `null` where no connection came about. */
  tls: boolean | null;
  /** The server tells senders what becomes of the message, as far as that was asked for (RFC 3461). */
  offersDsn?: boolean;
  /** What a provider calls the message that it has taken. */
  providerId?: string | null;
  /** Whether a server answered at all: true from the greeting on. */
  reachedServer: boolean;
  /** From the call of `transmit` to this result. */
  latencyMs: number;
}

/** Something that was said in an attempt. `note`: neither side said it, we did it or saw it. */
export interface TranscriptLine {
  /** Since the attempt began. */
  atMs: number;
  from: 'client' | 'server' | 'note';
  /** One line, without its end; at most 500 characters. */
  text: string;
}

/** One result for each recipient given, in the order given. */
export interface Transmission {
  results: RecipientResult[];
  /** The mail servers of the domain by name, sorted; null where none were found, and for a smarthost. */
  site: string | null;
  /** What was said on the way to them. */
  transcript: TranscriptLine[];
}
