import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Invitation, User } from '../../api/objects.ts';
import { usersQuery } from '../../api/queries.ts';
import { useSession } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { type Column, DataList } from '../../design/lists/data-list.tsx';
import { ProblemNotice, Skeleton } from '../../design/notices.tsx';
import { Section } from '../../design/page.tsx';
import { Badge } from '../../design/state.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';
import { SettingsPage } from './settings-page.tsx';
import { ChangeUser, InviteUser, WithdrawInvitation } from './user-dialogs.tsx';

type Open = 'invite' | { user: User } | { invitation: Invitation } | null;

/** Who may sign in, and who is asked to. */
export function Users() {
  const { settings } = useWords();
  const { users } = settings;
  const [open, setOpen] = useState<Open>(null);
  const query = useQuery(usersQuery());
  const { projects } = useSession();
  const close = () => setOpen(null);
  const projectNames = (ids: string[] | null) =>
    ids === null
      ? users.allProjects
      : ids.map((id) => projects.find((one) => one.id === id)?.name ?? id).join(', ');
  const columns: Column<User>[] = [
    {
      name: users.person,
      width: 'minmax(12rem, 3fr)',
      cell: ({ name, email }) => (
        <>
          {name !== '' && <span className="font-medium">{name} </span>}
          <span className={name === '' ? '' : 'text-muted'}>{email}</span>
        </>
      ),
    },
    { name: users.state, width: '9rem', cell: (user) => <UserState user={user} /> },
    { name: users.role, width: '8rem', cell: ({ role }) => settings.roles[role], isExtra: true },
    {
      name: users.projects,
      width: 'minmax(8rem, 2fr)',
      cell: ({ project_ids }) => projectNames(project_ids),
      isExtra: true,
    },
    {
      name: users.secondFactor,
      width: '8rem',
      cell: ({ has_totp }) => (has_totp ? settings.totp.on : settings.totp.off),
      isExtra: true,
    },
  ];
  const invitationColumns: Column<Invitation>[] = [
    { name: users.person, width: 'minmax(12rem, 3fr)', cell: ({ email }) => email },
    { name: users.role, width: '8rem', cell: ({ role }) => settings.roles[role] },
    {
      name: users.validUntil,
      width: '9rem',
      cell: ({ expires_at }) => <Time at={expires_at} />,
      isExtra: true,
    },
  ];
  const whole = { hasMore: false, isLoading: false, loadMore: () => {} };
  return (
    <SettingsPage
      tab="users"
      answer={users.lead}
      actions={
        <Button kind="primary" onClick={() => setOpen('invite')}>
          {users.invite}
        </Button>
      }
    >
      {query.isPending ? (
        <Skeleton />
      ) : query.isError ? (
        <ProblemNotice error={query.error} retry={() => void query.refetch()} />
      ) : (
        <>
          <Section title={settings.tabs.users}>
            <DataList
              {...whole}
              label={settings.tabs.users}
              columns={columns}
              rows={query.data.users}
              keyOf={({ id }) => id}
              linkOf={({ email }) => email}
              open={(user) => setOpen({ user })}
            />
          </Section>
          {query.data.invitations.length > 0 && (
            <Section title={users.invitations}>
              <DataList
                {...whole}
                label={users.invitations}
                columns={invitationColumns}
                rows={query.data.invitations}
                keyOf={({ id }) => id}
                linkOf={({ email }) => email}
                open={(invitation) => setOpen({ invitation })}
              />
            </Section>
          )}
        </>
      )}
      {open === 'invite' && <InviteUser close={close} />}
      {open !== null && open !== 'invite' && 'user' in open && (
        <ChangeUser user={open.user} close={close} />
      )}
      {open !== null && open !== 'invite' && 'invitation' in open && (
        <WithdrawInvitation invitation={open.invitation} close={close} />
      )}
    </SettingsPage>
  );
}

function UserState({ user }: { user: User }) {
  const { users } = useWords().settings;
  return (
    <Badge tone={user.is_disabled ? 'idle' : 'good'} icon={user.is_disabled ? 'pause' : 'check'}>
      {user.is_disabled ? users.disabled : users.active}
    </Badge>
  );
}
