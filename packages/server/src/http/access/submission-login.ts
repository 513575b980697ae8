import { PosthornError } from '../../lib/errors.ts';
import type { LoginRefusal, SubmissionLogin } from '../../smtp/submission.ts';
import { type Authenticator, hashApiKey, requireScope } from './authenticate.ts';
import type { LoginGuard } from './login-guard.ts';

type Admitted = Pick<SubmissionLogin, 'projectId' | 'keyMode'>;

/** Who logs in at SMTP submission with this password: a key with the scope `send`. */
export function createSubmissionLogin(deps: {
  authenticator: Pick<Authenticator, 'identify'>;
  guard: LoginGuard;
}): (login: {
  password: string;
  remoteAddress: string;
}) => Promise<SubmissionLogin | LoginRefusal> {
  async function admit(keyHash: string): Promise<Admitted | LoginRefusal> {
    try {
      const caller = await deps.authenticator.identify(keyHash);
      requireScope(caller, 'send');
      return { projectId: caller.projectId, keyMode: caller.keyMode };
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error;
      if (error.code !== 'wrong_key') return { refusal: error.message };
      return { refusal: 'The password must be an API key, and no project has this one.' };
    }
  }

  return async ({ password, remoteAddress }) => {
    const keyHash = hashApiKey(password);
    const guarded = await deps.guard.guard({ remoteAddress, keyHash }, async () => {
      const answer = await admit(keyHash);
      return { admitted: !('refusal' in answer), answer };
    });
    if ('waitSeconds' in guarded) {
      const { waitSeconds } = guarded;
      return { refusal: `Too many failed logins. Try again in ${waitSeconds} s.`, isForNow: true };
    }
    if ('refusal' in guarded.answer) return guarded.answer;
    return {
      ...guarded.answer,
      async explainEnd() {
        const now = await admit(keyHash);
        return 'refusal' in now ? now.refusal : null;
      },
    };
  };
}
