import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type CallOptions, call } from '../../api/client.ts';
import { type Invitation, ROLES, type User } from '../../api/objects.ts';
import { usersQuery } from '../../api/queries.ts';
import { useSession } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { CodeBlock } from '../../design/copy.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { FormDialog } from '../../design/forms/form-dialog.tsx';
import { Modal } from '../../design/modal.tsx';
import { Question } from '../../design/question.tsx';
import { useWords } from '../../words/words.tsx';

export function InviteUser({ close }: { close: () => void }) {
  const { users } = useWords().settings;
  const client = useQueryClient();
  const invite = useMutation({
    mutationFn: (body: object) =>
      call<Invitation>('/portal/api/invitations', { method: 'POST', body }),
    onSuccess: () => void client.invalidateQueries({ queryKey: usersQuery().queryKey }),
  });
  if (invite.data !== undefined) {
    const { email, path, is_mailed } = invite.data;
    return (
      <Modal title={users.invited(email)} close={close}>
        <p className="mb-3 text-muted">{is_mailed === true ? users.mailed : users.notMailed}</p>
        <CodeBlock text={`${window.location.origin}${path ?? ''}`} label={users.link} />
      </Modal>
    );
  }
  return (
    <FormDialog
      title={users.invite}
      close={close}
      isBusy={invite.isPending}
      error={invite.error}
      submit={(form) => invite.mutate({ email: String(form.get('email')), ...readRights(form) })}
    >
      <TextField label={users.email} name="email" type="email" required />
      <RightsFields before={{ role: 'developer', project_ids: null }} />
    </FormDialog>
  );
}

function readRights(form: FormData): { role: string; project_ids: string[] | null } {
  const isAll = form.get('all_projects') !== null;
  return {
    role: String(form.get('role')),
    project_ids: isAll ? null : form.getAll('project').map(String),
  };
}

function RightsFields({ before }: { before: Pick<User, 'role' | 'project_ids'> }) {
  const { role, project_ids: projectIds } = before;
  const { users, roles, roleHelp } = useWords().settings;
  const { projects } = useSession();
  const [isAll, setAll] = useState(projectIds === null);
  return (
    <>
      <fieldset>
        <legend className="mb-1 font-medium">{users.role}</legend>
        {ROLES.map((one) => (
          <label key={one} className="flex items-baseline gap-2 py-1">
            <input type="radio" name="role" value={one} defaultChecked={one === role} />
            <span>
              {roles[one]} <span className="text-muted">{roleHelp[one]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend className="mb-1 font-medium">{users.projects}</legend>
        <label className="flex items-baseline gap-2 py-1">
          <input
            type="checkbox"
            name="all_projects"
            checked={isAll}
            onChange={(event) => setAll(event.target.checked)}
          />
          {users.allProjects}
        </label>
        {!isAll &&
          projects.map(({ id, name }) => (
            <label key={id} className="flex items-baseline gap-2 py-1 pl-6">
              <input
                type="checkbox"
                name="project"
                value={id}
                defaultChecked={projectIds?.includes(id) ?? false}
              />
              {name}
            </label>
          ))}
      </fieldset>
    </>
  );
}

/** What an owner does to a user; each is a request to the user or to something of theirs. */
function useUserChange(user: User, close: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ below = '', ...options }: CallOptions & { below?: string }) =>
      call(`/portal/api/users/${encodeURIComponent(user.id)}${below}`, options),
    onSuccess() {
      void client.invalidateQueries({ queryKey: usersQuery().queryKey });
      close();
    },
  });
}

export function ChangeUser({ user, close }: { user: User; close: () => void }) {
  const { users, totp } = useWords().settings;
  const [asks, setAsks] = useState<'disable' | 'remove' | 'reset' | null>(null);
  const change = useUserChange(user, close);
  const questions: Record<
    'disable' | 'remove' | 'reset',
    { effect: ReactNode; action: string; ask: Parameters<typeof change.mutate>[0] }
  > = {
    disable: {
      effect: users.disableEffect,
      action: users.disable,
      ask: { method: 'PATCH', body: { is_disabled: true } },
    },
    remove: { effect: users.removeEffect, action: users.remove, ask: { method: 'DELETE' } },
    reset: {
      effect: users.resetEffect,
      action: totp.disable,
      ask: { method: 'DELETE', below: '/totp' },
    },
  };
  if (asks !== null) {
    const { effect, action, ask } = questions[asks];
    return (
      <Question
        title={user.email}
        effect={effect}
        action={action}
        kind="danger"
        isBusy={change.isPending}
        error={change.error}
        confirm={() => change.mutate(ask)}
        close={close}
      />
    );
  }
  return (
    <FormDialog
      title={user.email}
      action={users.save}
      close={close}
      isBusy={change.isPending}
      error={change.error}
      submit={(form) => change.mutate({ method: 'PATCH', body: readRights(form) })}
    >
      <RightsFields before={user} />
      <div className="flex flex-wrap gap-2">
        {user.is_disabled ? (
          <Button
            isBusy={change.isPending}
            onClick={() => change.mutate({ method: 'PATCH', body: { is_disabled: false } })}
          >
            {users.enable}
          </Button>
        ) : (
          <Button kind="danger" onClick={() => setAsks('disable')}>
            {users.disable}
          </Button>
        )}
        {user.has_totp && (
          <Button kind="danger" onClick={() => setAsks('reset')}>
            {totp.disable}
          </Button>
        )}
        <Button kind="danger" onClick={() => setAsks('remove')}>
          {users.remove}
        </Button>
      </div>
    </FormDialog>
  );
}

export function WithdrawInvitation({
  invitation,
  close,
}: {
  invitation: Invitation;
  close: () => void;
}) {
  const { users } = useWords().settings;
  const client = useQueryClient();
  const withdraw = useMutation({
    mutationFn: () =>
      call(`/portal/api/invitations/${encodeURIComponent(invitation.id)}`, { method: 'DELETE' }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: usersQuery().queryKey });
      close();
    },
  });
  return (
    <Question
      title={invitation.email}
      effect={users.withdrawEffect}
      action={users.withdraw}
      kind="danger"
      isBusy={withdraw.isPending}
      error={withdraw.error}
      confirm={() => withdraw.mutate()}
      close={close}
    />
  );
}
