import type { RecipientResult, Transmission } from '../../smtp/transmission.ts';

/** What becomes of mail to a destination that is left alone, for a reason as half a sentence: nobody is asked. */
export function suspendedTransmission(recipients: readonly string[], reason: string): Transmission {
  const response = `Not tried, since ${reason}`.slice(0, 1_000);
  const results = recipients.map(
    (recipient): RecipientResult => ({
      recipient,
      outcome: 'deferred',
      stage: 'connect',
      errorCode: 'suspended',
      smtpCode: null,
      enhancedCode: null,
      response,
      mx: null,
      remoteIp: null,
      tls: null,
      reachedServer: false,
      latencyMs: 0,
    }),
  );
  return { results, site: null, transcript: [{ atMs: 0, from: 'note', text: response }] };
}
