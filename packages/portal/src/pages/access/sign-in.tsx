import { useEffect, useState } from 'react';
import { type Problem, toProblem } from '../../api/problem.ts';
import { type NoSession, useCreateOwner, useSignIn } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { Form } from '../../design/forms/form.tsx';
import { useWords } from '../../words/words.tsx';
import { SignInService } from './sign-in-service.tsx';

/** Asks who is there; the first one on a new server becomes its owner. */
export function SignIn({ reason, sign_in_service: service }: NoSession) {
  const words = useWords();
  const signIn = useSignIn();
  const createOwner = useCreateOwner();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const isFirst = reason === 'no_owner';
  const title = isFirst ? words.signIn.ownerTitle : words.signIn.title;
  const asksTotp = problem?.code === 'totp_required' || problem?.code === 'wrong_totp';
  useEffect(() => {
    document.title = `${title} · ${words.brand}`;
  }, [title, words.brand]);

  async function submit(form: FormData): Promise<void> {
    const read = (name: string) => String(form.get(name) ?? '');
    setBusy(true);
    try {
      if (isFirst) {
        await createOwner({
          setup_token: read('setup_token'),
          email: read('email'),
          password: read('password'),
        });
      } else {
        const totp = read('totp');
        const fields = { email: read('email'), password: read('password') };
        await signIn(totp === '' ? fields : { ...fields, totp });
      }
    } catch (error) {
      setProblem(toProblem(error));
      setBusy(false);
    }
  }

  return (
    <main className="mx-auto flex min-h-screen max-w-sm flex-col justify-center p-6">
      <img src={`${import.meta.env.BASE_URL}horn.svg`} alt="" className="mb-4 size-10" />
      <h1 className="mb-2 text-[22px] leading-tight font-semibold">{title}</h1>
      {isFirst && <p className="mb-4 text-muted">{words.signIn.ownerLead}</p>}
      {reason === 'expired' && (
        <p role="status" className="mb-2 text-muted">
          {words.signIn.expired}
        </p>
      )}
      <Form
        error={problem}
        submit={(form) => void submit(form)}
        className="mt-2 flex flex-col gap-3"
      >
        {isFirst && (
          <TextField
            label={words.signIn.setupToken}
            name="setup_token"
            autoComplete="off"
            required
          />
        )}
        <TextField
          label={words.signIn.email}
          name="email"
          type="email"
          autoComplete="username"
          required
        />
        <TextField
          label={isFirst ? words.signIn.newPassword : words.signIn.password}
          name="password"
          type="password"
          autoComplete={isFirst ? 'new-password' : 'current-password'}
          required
        />
        {asksTotp && (
          <TextField
            label={words.signIn.totp}
            name="totp"
            inputMode="numeric"
            autoComplete="one-time-code"
            autoFocus
            required
          />
        )}
        <Button type="submit" kind="primary" isBusy={isBusy} className="mt-2 justify-center">
          {isFirst ? words.signIn.create : words.signIn.submit}
        </Button>
      </Form>
      {service !== undefined && !isFirst && <SignInService host={service} />}
    </main>
  );
}
