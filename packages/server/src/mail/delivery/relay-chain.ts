import type { SmtpLog } from '../../smtp/smtp-log.ts';
import type { RecipientResult, TranscriptLine, Transmission } from '../../smtp/transmission.ts';
import type { TransmitJob, Transmitter } from '../../smtp/transmit.ts';

/** A server or a provider that takes all our mail. */
export interface Relay {
  /** Without its secrets. */
  name: string;
  transmitter: Transmitter;
}

/** So long a relay that did not work is left alone; twice as long each time, ms. */
const REST_MS = 30_000;
const MAX_REST_MS = 600_000;

interface Health {
  failures: number;
  restsUntilMs: number;
}

/**
 * Several relays, of which the first that works takes the mail. The next one is asked for recipients of
 * whom this one has not decided anything: it was not reached, did not greet, did not let us in. An answer
 * about the message or a recipient stands, and so does a message that may have arrived. A relay that did not work is left alone for a
 * while; when all are, they are asked all the same, in their order.
 */
export function createRelayChain(
  relays: readonly Relay[],
  { now, log }: { now: () => number; log: SmtpLog },
): Transmitter {
  const health = new Map<Relay, Health>(
    relays.map((relay) => [relay, { failures: 0, restsUntilMs: 0 }]),
  );

  function inOrder(): Relay[] {
    const atMs = now();
    const rested = relays.filter((relay) => (health.get(relay)?.restsUntilMs ?? 0) <= atMs);
    return rested.length > 0 ? rested : [...relays];
  }

  function note(relay: Relay, hasWorked: boolean, why: string): void {
    const one = health.get(relay);
    if (one === undefined) return;
    if (hasWorked) {
      one.failures = 0;
      one.restsUntilMs = 0;
      return;
    }
    // Many may find out at the same time; that is one failure.
    if (one.restsUntilMs > now()) return;
    one.failures += 1;
    const restMs = Math.min(MAX_REST_MS, REST_MS * 2 ** Math.min(one.failures - 1, 10));
    one.restsUntilMs = now() + restMs;
    if (relays.length > 1)
      log.warn({ relay: relay.name, why }, 'A smarthost did not work; the next one takes over');
  }

  async function transmit(job: TransmitJob): Promise<Transmission> {
    const decided = new Map<string, RecipientResult>();
    const transcript: TranscriptLine[] = [];
    for (const relay of inOrder()) {
      const recipients = job.recipients.filter((one) => isOpen(decided.get(one)));
      if (recipients.length === 0 || job.signal.aborted) break;
      const found = await relay.transmitter.transmit({ ...job, recipients });
      for (const result of found.results) decided.set(result.recipient, result);
      const startedMs = transcript.at(-1)?.atMs ?? 0;
      transcript.push(
        ...found.transcript.map((line) => ({ ...line, atMs: startedMs + line.atMs })),
      );
      const open = found.results.find(isOpen);
      if (open?.errorCode === 'aborted') break;
      note(relay, open === undefined, open?.response ?? '');
    }
    const results = job.recipients.map((recipient) => {
      const result = decided.get(recipient) ?? stopped(recipient);
      // That a relay will not have us says nothing of the recipient.
      return isOpen(result) ? { ...result, outcome: 'deferred' as const } : result;
    });
    return { results, site: null, transcript };
  }

  return {
    transmit,
    async close() {
      await Promise.all(relays.map(({ transmitter }) => transmitter.close()));
    },
  };
}

const BEFORE_MAIL: ReadonlySet<RecipientResult['stage']> = new Set([
  'dns',
  'connect',
  'tls',
  'greeting',
  'ehlo',
  'auth',
]);

/** Nobody has decided yet: whatever went wrong was before the sender was named. */
function isOpen(result: RecipientResult | undefined): boolean {
  return result === undefined || (result.outcome !== 'delivered' && BEFORE_MAIL.has(result.stage));
}

function stopped(recipient: string): RecipientResult {
  return {
    recipient,
    outcome: 'deferred',
    stage: 'connect',
    errorCode: 'aborted',
    smtpCode: null,
    enhancedCode: null,
    response: null,
    mx: null,
    remoteIp: null,
    tls: null,
    reachedServer: false,
    latencyMs: 0,
  };
}
