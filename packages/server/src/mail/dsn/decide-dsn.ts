import type { EventDelivery, EventType } from '@posthorn/sdk';
import { type DsnOccasion, type DsnRequest, wantsDsn } from '../../core/mail/dsn.ts';
import type { RecipientResult } from '../../smtp/transmission.ts';
import type { MessageRecord } from '../../store/mail/messages.ts';
import type { TransmissionDecision } from '../decide-transmission.ts';
import type { EnvelopeSender } from '../return-path/envelope-sender.ts';
import type { DsnEntry } from './compose-dsn.ts';

/** RFC 5321 4.5.4.1 has people wait some hours before they are bothered. */
const DELAY_MS = 4 * 3_600_000;

/**
 * What the sender is told of one attempt; null: nothing, since he did not ask for it. Pure.
 *
 * A delay is told of once: at the attempt behind which the message will have waited for four hours. Where
 * reports of the next server go to the sender himself (`reportsToSender`), and it makes them, success is
 * its to tell.
 */
export function decideDsn(input: {
  dsn: DsnRequest | null;
  result: RecipientResult;
  step: Pick<TransmissionDecision, 'state' | 'dueAtMs'>;
  reportsToSender: boolean;
  acceptedAtMs: number;
  expiresAtMs: number;
  nowMs: number;
}): DsnEntry | null {
  const { dsn, result, step, nowMs } = input;
  if (dsn === null) return null;
  const occasion = occasionOf(input);
  if (occasion === null || !wantsDsn(dsn, result.recipient, occasion)) return null;
  if (occasion === 'success' && input.reportsToSender && result.offersDsn === true) return null;
  const tellAtMs = input.acceptedAtMs + DELAY_MS;
  if (occasion === 'delay' && !(nowMs < tellAtMs && tellAtMs <= step.dueAtMs)) return null;
  return {
    recipient: result.recipient,
    orcpt: dsn.recipients.find(({ recipient }) => recipient === result.recipient)?.orcpt ?? null,
    action: ({ success: 'relayed', failure: 'failed', delay: 'delayed' } as const)[occasion],
    status: statusOf(result, occasion),
    reply: result.reachedServer ? result.response : null,
    remoteMta: result.mx,
    willRetryUntilMs: occasion === 'delay' ? input.expiresAtMs : null,
  };
}

function occasionOf({ step: { state } }: Parameters<typeof decideDsn>[0]): DsnOccasion | null {
  if (state === 'delivered') return 'success';
  if (state === 'bounced' || state === 'failed') return 'failure';
  return state === 'queued' ? 'delay' : null;
}

/** Of what each recipient of an attempt has come to. */
export function decideDsns(
  message: MessageRecord,
  decisions: readonly {
    result: RecipientResult;
    step: Pick<TransmissionDecision, 'state' | 'dueAtMs'>;
  }[],
  deps: { envelopeSender: EnvelopeSender; nowMs: number },
): DsnEntry[] {
  const { dsn, envelopeFrom, createdAtMs, sendAtMs, expiresAtMs } = message;
  if (dsn === null) return [];
  return decisions.flatMap(({ result, step }) => {
    const entry = decideDsn({
      ...{ dsn, result, step, expiresAtMs, nowMs: deps.nowMs },
      reportsToSender: deps.envelopeSender(message, result.recipient) === envelopeFrom,
      acceptedAtMs: sendAtMs ?? createdAtMs,
    });
    return entry === null ? [] : [entry];
  });
}

/** What the sender is told of a report that came back to us; null: nothing. */
export function reportedDsn(
  { dsn }: MessageRecord,
  recipient: string,
  news: { type: EventType; delivery?: EventDelivery },
): DsnEntry | null {
  const { type, delivery } = news;
  const isFailure = type === 'email.bounced';
  if (!isFailure && type !== 'email.deferred') return null;
  if (!wantsDsn(dsn, recipient, isFailure ? 'failure' : 'delay')) return null;
  return {
    recipient,
    orcpt: dsn?.recipients.find((one) => one.recipient === recipient)?.orcpt ?? null,
    action: isFailure ? 'failed' : 'delayed',
    status: delivery?.enhanced_code ?? null,
    reply: delivery?.response ?? null,
    remoteMta: delivery?.mx ?? null,
    willRetryUntilMs: null,
  };
}

/**
 * What the next server is told of it. Where its reports come to a return path of ours, they are for us to
 * pass on, and we want the usual ones whatever the sender asked for.
 */
export function passOnDsn(message: MessageRecord, envelopeFrom: string): DsnRequest | null {
  const { dsn } = message;
  if (dsn === null || envelopeFrom === message.envelopeFrom) return dsn;
  return { ...dsn, recipients: dsn.recipients.map((one) => ({ ...one, notify: null })) };
}

/** RFC 3463 4.7 for what was put off for too long; otherwise the class has to be that of the action. */
function statusOf(result: RecipientResult, occasion: DsnOccasion): string | null {
  const { enhancedCode } = result;
  if (occasion === 'failure' && result.outcome === 'deferred') return '4.4.7';
  const wanted = { success: '2', failure: '5', delay: '4' }[occasion];
  return enhancedCode?.startsWith(wanted) === true ? enhancedCode : null;
}
