import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { call } from '../../api/client.ts';
import { toProblem } from '../../api/problem.ts';
import { type Role, sessionQuery } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { Form } from '../../design/forms/form.tsx';
import { Empty, ProblemNotice, Skeleton } from '../../design/notices.tsx';
import { useWords } from '../../words/words.tsx';

/** Where the link of an invitation leads: its token stands behind the #. */
export function InvitationPage() {
  const words = useWords();
  const { invitation } = words.settings;
  const [token] = useState(() => window.location.hash.slice(1));
  const client = useQueryClient();
  const navigate = useNavigate();
  const look = useQuery({
    queryKey: ['invitation', token],
    queryFn: () =>
      call<{ email: string; role: Role } | null>('/portal/api/invitations/look', {
        method: 'POST',
        body: { token },
      }).catch((error: unknown) => {
        if (toProblem(error).code === 'invitation_gone') return null;
        throw error;
      }),
    retry: false,
  });
  const accept = useMutation({
    mutationFn: (body: object) => call('/portal/api/invitations/accept', { method: 'POST', body }),
    async onSuccess() {
      await client.refetchQueries({ queryKey: sessionQuery.queryKey });
      await navigate({ to: '/', replace: true });
    },
  });
  useEffect(() => {
    document.title = `${invitation.title} · ${words.brand}`;
  }, [invitation.title, words.brand]);

  function submit(form: FormData): void {
    accept.mutate({
      token,
      name: String(form.get('name')).trim(),
      password: String(form.get('password')),
    });
  }

  return (
    <main className="mx-auto flex min-h-screen max-w-sm flex-col justify-center p-6">
      {look.isPending ? (
        <Skeleton rows={3} />
      ) : look.isError ? (
        <ProblemNotice isPage error={look.error} retry={() => void look.refetch()} />
      ) : look.data === null ? (
        <Empty isPage title={invitation.gone} help={invitation.goneHelp} />
      ) : (
        <>
          <img src={`${import.meta.env.BASE_URL}horn.svg`} alt="" className="mb-4 size-10" />
          <h1 className="mb-2 text-[22px] leading-tight font-semibold">{invitation.title}</h1>
          <p className="mb-4 text-muted">
            {invitation.lead(look.data.email, words.settings.roles[look.data.role])}
          </p>
          <Form error={accept.error} submit={submit}>
            {/* For password managers: it is what one signs in with. */}
            <TextField
              label={words.signIn.email}
              name="email"
              type="email"
              autoComplete="username"
              readOnly
              value={look.data.email}
            />
            <TextField
              label={words.settings.account.name}
              name="name"
              autoComplete="name"
              required
              maxLength={100}
            />
            <TextField
              label={words.signIn.newPassword}
              name="password"
              type="password"
              autoComplete="new-password"
              required
            />
            <Button
              type="submit"
              kind="primary"
              isBusy={accept.isPending}
              className="mt-2 justify-center"
            >
              {invitation.accept}
            </Button>
          </Form>
        </>
      )}
    </main>
  );
}
