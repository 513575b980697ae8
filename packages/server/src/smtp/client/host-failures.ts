import { TRANSMIT_ERRORS } from '../transmission.ts';
import { type SmtpSession, StageFailure } from './open-session.ts';
import type { TransactionOutcome } from './run-transaction.ts';

/** A transaction that broke, as the failure of its host. */
export function brokenFailure(
  broken: NonNullable<TransactionOutcome['broken']>,
  session: SmtpSession,
): StageFailure {
  return new StageFailure(broken.failure.errorCode, broken.failure.message, {
    stage: broken.stage,
    reply: null,
    remoteIp: session.link.remoteIp,
    tls: session.tls,
    reachedServer: true,
  });
}

/** Where no server was asked. */
const NOWHERE = {
  stage: 'connect',
  reply: null,
  remoteIp: null,
  tls: null,
  reachedServer: false,
} as const;

export function stopped(): StageFailure {
  return new StageFailure('aborted', 'stopped', NOWHERE);
}

export function withoutSource(address: string): StageFailure {
  const message = `There is no source address of the family of ${address}`;
  return new StageFailure('connection_failed', message, NOWHERE);
}

/** All addresses that could go there have sent what they may today. */
export function fullWarmup(): StageFailure {
  return new StageFailure('warmup_full', TRANSMIT_ERRORS.warmup_full, NOWHERE);
}

/** The terms of the domain could not be kept at this host. */
export function againstPolicy(why: string): StageFailure {
  return new StageFailure('tls_policy', why, NOWHERE);
}
