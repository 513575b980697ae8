import { PosthornError } from '../../lib/errors.ts';
import type { LoginRefusal, SubmissionLogin } from '../../smtp/submission.ts';
import { type Authenticator, hashApiKey, requireScope } from './authenticate.ts';

/** Who logs in at SMTP submission with this password: a key with the scope `send`. */
export function createSubmissionLogin(
  authenticator: Pick<Authenticator, 'identify'>,
): (password: string) => Promise<SubmissionLogin | LoginRefusal> {
  async function admit(keyHash: string): Promise<{ projectId: string } | LoginRefusal> {
    try {
      const caller = await authenticator.identify(keyHash);
      requireScope(caller, 'send');
      return { projectId: caller.projectId };
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error;
      if (error.code !== 'wrong_key') return { refusal: error.message };
      return { refusal: 'The password must be an API key, and no project has this one.' };
    }
  }

  return async (password) => {
    const keyHash = hashApiKey(password);
    const admitted = await admit(keyHash);
    if ('refusal' in admitted) return admitted;
    return {
      ...admitted,
      async explainEnd() {
        const now = await admit(keyHash);
        return 'refusal' in now ? now.refusal : null;
      },
    };
  };
}
