import { createHash, randomBytes } from 'node:crypto';
import { PosthornError } from '../../lib/errors.ts';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';
import {
  decodeBase32,
  encodeBase32,
  findTotpStep,
  TOTP_SECRET_BYTES,
  toOtpauthUrl,
} from '../../lib/secrets/totp.ts';
import type { SecondFactor, UserRecord, Users } from '../../store/access/users.ts';
import { type Statement, StoreConflict } from '../../store/engine.ts';
import { totpContext } from '../../store/sealed-values.ts';
import type { GuessLimits } from './guess-limits.ts';

const RECOVERY_CODES = 10;
/** 80 bits: nobody guesses one, so a plain hash is enough. */
const RECOVERY_BYTES = 10;

/** Codes of an authenticator app (lib/secrets/totp.ts) beside the password. */
export interface SecondFactors {
  /** A new secret to show, in base 32 and as what an app scans; nothing is stored yet. */
  offer(user: Pick<UserRecord, 'email'>): { secret: string; url: string };
  /**
   * From now on sign-in asks for a code. `code` shows that the app has the secret. Resolves with the
   * recovery codes, of which only hashes are kept. Throws `invalid_field`.
   */
  enable(
    user: UserRecord,
    fields: { secret: string; code: string },
    beside: readonly Statement[],
  ): Promise<string[]>;
  disable(userId: string, beside: readonly Statement[]): Promise<void>;
  /**
   * Nothing for who has no second factor. Uses up the code, of the app or for recovery. Throws
   * `totp_required`, `wrong_totp`, `rate_limited`.
   */
  check(user: UserRecord, code: string | null): Promise<void>;
}

export function createSecondFactors(options: {
  users: Pick<Users, 'change' | 'takeTotpStep' | 'takeRecoveryCode'>;
  secretBox: Pick<SecretBox, 'seal' | 'open'>;
  limits: Pick<GuessLimits, 'takeCode'>;
  /** What the app calls this server. */
  issuer: string;
  now: () => number;
}): SecondFactors {
  const { users, secretBox, now } = options;

  /** Whether it was right; rejects with StoreConflict when it was used meanwhile. */
  async function take(user: UserRecord, factor: SecondFactor, code: string): Promise<boolean> {
    const hash = hashRecoveryCode(code);
    if (factor.recoveryHashes.includes(hash)) {
      await users.takeRecoveryCode(user.id, factor, hash);
      return true;
    }
    const secret = decodeBase32(secretBox.open(factor.sealed, totpContext(user.id)));
    const step = secret === null ? null : findTotpStep(secret, code.replaceAll(' ', ''), now());
    if (step === null || step <= factor.step) return false;
    await users.takeTotpStep(user.id, step);
    return true;
  }

  return {
    offer({ email }) {
      const secret = randomBytes(TOTP_SECRET_BYTES);
      return { secret: encodeBase32(secret), url: toOtpauthUrl(secret, options.issuer, email) };
    },
    async enable(user, { secret, code }, beside) {
      const bytes = decodeBase32(secret);
      if (bytes?.length !== TOTP_SECRET_BYTES) {
        throw refuse('/secret', 'Send the secret that POST /portal/api/account/totp gave.');
      }
      options.limits.takeCode(user.id);
      const step = findTotpStep(bytes, code.replaceAll(' ', ''), now());
      if (step === null) {
        const detail =
          'This is not the code that the app shows now. Is the clock of your phone right?';
        throw refuse('/code', detail);
      }
      const codes = Array.from({ length: RECOVERY_CODES }, makeRecoveryCode);
      const sealed = secretBox.seal(encodeBase32(bytes), totpContext(user.id));
      const totp = { sealed, step, recoveryHashes: codes.map(hashRecoveryCode) };
      await users.change(user.id, { totp }, beside);
      return codes;
    },
    disable: (userId, beside) => users.change(userId, { totp: null }, beside),
    async check(user, code) {
      const { totp } = user;
      if (totp === null) return;
      if (code === null) {
        throw new PosthornError('totp_required', 'Enter the code that your authenticator shows.');
      }
      options.limits.takeCode(user.id);
      const isRight = await take(user, totp, code).catch((error: unknown) => {
        if (error instanceof StoreConflict) return false;
        throw error;
      });
      if (isRight) return;
      const detail =
        'This code is wrong, or was used already. Wait for the next one, or use a recovery code.';
      throw new PosthornError('wrong_totp', detail);
    },
  };
}

/** `abcd-efgh-ijkl-mnop`. */
function makeRecoveryCode(): string {
  const text = encodeBase32(randomBytes(RECOVERY_BYTES)).toLowerCase();
  return text.match(/.{4}/g)?.join('-') ?? text;
}

function hashRecoveryCode(code: string): string {
  const plain = code.toLowerCase().replace(/[\s-]/g, '');
  return createHash('sha256').update(plain).digest('hex');
}

function refuse(pointer: string, detail: string): PosthornError {
  return new PosthornError('invalid_field', `${pointer}: ${detail}`, {
    fields: [{ pointer, detail }],
  });
}
