import type { ReactNode } from 'react';
import { mayManage, type Session, useSession } from '../../api/session.ts';
import { Page } from '../../design/page.tsx';
import { PageTabs } from '../../design/page-tabs.tsx';
import type { Words } from '../../words/en.ts';
import { useWords } from '../../words/words.tsx';

const isOwner = ({ user }: Session): boolean => user.role === 'owner';

const TABS: readonly {
  to: '/settings' | '/settings/keys' | '/settings/projects' | '/settings/users' | '/settings/audit';
  name: keyof Words['settings']['tabs'];
  isFor: (session: Session) => boolean;
}[] = [
  { to: '/settings', name: 'account', isFor: () => true },
  { to: '/settings/keys', name: 'keys', isFor: mayManage },
  { to: '/settings/projects', name: 'projects', isFor: isOwner },
  { to: '/settings/users', name: 'users', isFor: isOwner },
  { to: '/settings/audit', name: 'audit', isFor: isOwner },
];

/** A page of the settings, with the way to the others that one may see. */
export function SettingsPage({
  tab,
  answer,
  actions,
  children,
}: {
  tab: keyof Words['settings']['tabs'];
  answer?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const { nav, settings } = useWords();
  const session = useSession();
  return (
    <Page title={settings.tabs[tab]} answer={answer} actions={actions}>
      <PageTabs
        label={nav.settings}
        tabs={TABS.filter(({ isFor }) => isFor(session)).map(
          ({ to, name }) => [to, settings.tabs[name]] as const,
        )}
      />
      {children}
    </Page>
  );
}
