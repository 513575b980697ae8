import type { Clock } from '../../lib/clock.ts';
import { createKeyedBuckets } from '../../lib/keyed-buckets.ts';
import type { Log } from '../../lib/log.ts';
import { addressGroup } from '../../lib/network/address-group.ts';
import type { TokenBucket } from '../../lib/token-bucket.ts';

/**
 * Failed logins within ten minutes: from one address, and with one password from anywhere. Keys cannot be
 * guessed (they have 192 bits); this keeps those who try, and the program with the revoked key that tries
 * ten times a second, from costing us a look-up each time.
 */
const FAILURES_PER_ADDRESS = 30;
const FAILURES_PER_KEY = 10;
const WINDOW_SECONDS = 600;
/** The first refusal waits for this long, each further one of the address for twice as long. */
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 5_000;
/** Pairs of address and key that are remembered as good. */
const MAX_KNOWN = 10_000;

export type LoginOutcome = 'accepted' | 'refused' | 'limited';

export interface LoginGuard {
  /**
   * Runs `check`, unless too many logins from this address, or with this key, have failed of late: then
   * resolves to the seconds to wait. A refusal is given slowly. Rejects with what `check` rejects with,
   * which counts as nothing.
   */
  guard<T>(
    login: { remoteAddress: string; keyHash: string },
    check: () => Promise<{ admitted: boolean; answer: T }>,
  ): Promise<{ answer: T } | { waitSeconds: number }>;
}

/**
 * A key that has logged in from an address is let in from there whatever else comes from it: behind one
 * address there may be many programs, and only one of them is wrong. All of it is this node's own
 * memory, so of several nodes each takes as much.
 */
export function createLoginGuard(options: {
  clock: Clock;
  log: Pick<Log, 'warn'>;
  /** For the metrics. */
  onOutcome: (outcome: LoginOutcome) => void;
}): LoginGuard {
  const { clock, log, onOutcome } = options;
  const byAddress = createKeyedBuckets({
    capacity: FAILURES_PER_ADDRESS,
    seconds: WINDOW_SECONDS,
  });
  const byKey = createKeyedBuckets({ capacity: FAILURES_PER_KEY, seconds: WINDOW_SECONDS });
  const known = new Set<string>();

  return {
    async guard({ remoteAddress, keyHash }, check) {
      const group = addressGroup(remoteAddress);
      const pair = `${group} ${keyHash}`;
      const [ofAddress, ofKey] = [byAddress(group), byKey(keyHash)];
      // Only looked at: programs that start with fifty connections log in at the same moment. Who guesses
      // over many connections at once gets as many more checked as he may open.
      const waitSeconds = Math.max(secondsUntilFree(ofAddress), secondsUntilFree(ofKey));
      if (waitSeconds > 0 && !known.has(pair)) {
        onOutcome('limited');
        return { waitSeconds };
      }
      const { admitted, answer } = await check();
      if (admitted) {
        remember(pair);
        onOutcome('accepted');
        return { answer };
      }
      known.delete(pair);
      onOutcome('refused');
      ofKey.take(clock.now());
      const { remaining } = ofAddress.take(clock.now());
      if (remaining === 0) {
        log.warn({ address: group }, 'Too many failed logins by SMTP from one address');
      }
      const failures = FAILURES_PER_ADDRESS - remaining;
      const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1));
      await new Promise<void>((resolve) => clock.after(delayMs, resolve));
      return { answer };
    },
  };

  function secondsUntilFree(bucket: TokenBucket): number {
    const { allowed, resetSeconds } = bucket.take(clock.now());
    if (!allowed) return resetSeconds;
    bucket.giveBack();
    return 0;
  }

  function remember(pair: string): void {
    if (known.size >= MAX_KNOWN) known.clear();
    known.add(pair);
  }
}
