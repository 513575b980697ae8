import { PosthornError } from '../../lib/errors.ts';
import { createKeyedBuckets } from '../../lib/keyed-buckets.ts';
import type { TokenBucket } from '../../lib/token-bucket.ts';

const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_HOUR = 3_600;
/** Guesses a minute: for one account from anywhere, and from one address for any account. */
const GUESSES_PER_ACCOUNT = 10;
const GUESSES_PER_ADDRESS = 30;
/**
 * Guesses of a second factor, for who has the password: at three codes of a million that are right at any
 * time, ten an hour find one in a day with a chance of 1 in 1,300.
 */
const CODES_PER_HOUR = 10;

/** How often may be guessed. Each throws `rate_limited`. */
export interface GuessLimits {
  takePassword(email: string): void;
  takeAddress(address: string): void;
  takeCode(userId: string): void;
  /** The password was right: it was no guess. */
  givePasswordBack(email: string, address: string): void;
}

export function createGuessLimits(now: () => number): GuessLimits {
  const byAccount = createKeyedBuckets({
    capacity: GUESSES_PER_ACCOUNT,
    seconds: SECONDS_PER_MINUTE,
  });
  const byAddress = createKeyedBuckets({
    capacity: GUESSES_PER_ADDRESS,
    seconds: SECONDS_PER_MINUTE,
  });
  const byFactor = createKeyedBuckets({ capacity: CODES_PER_HOUR, seconds: SECONDS_PER_HOUR });

  function take(buckets: (key: string) => TokenBucket, key: string): void {
    const { allowed, resetSeconds } = buckets(key).take(now());
    if (allowed) return;
    const detail = `Too many attempts. Try again in ${resetSeconds} s.`;
    throw new PosthornError('rate_limited', detail, { retryAfterSeconds: resetSeconds });
  }

  return {
    takePassword: (email) => take(byAccount, email.toLowerCase()),
    takeAddress: (address) => take(byAddress, address),
    takeCode: (userId) => take(byFactor, userId),
    givePasswordBack(email, address) {
      byAccount(email.toLowerCase()).giveBack();
      byAddress(address).giveBack();
    },
  };
}
