import type { RecipientResult, Transmission } from '../../smtp/transmission.ts';

/** What becomes of mail to a destination that did not answer a moment ago: nobody is asked once more. */
export function suspendedTransmission(recipients: readonly string[], reason: string): Transmission {
  const response = `Not tried, since nobody answered there a moment ago: ${reason}`.slice(0, 1_000);
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
