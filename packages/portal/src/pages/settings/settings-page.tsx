import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { mayManage, type Session, useSession } from '../../api/session.ts';
import { Page } from '../../design/page.tsx';
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
      <nav aria-label={nav.settings} className="mb-6 flex flex-wrap gap-1 border-b border-line">
        {TABS.filter(({ isFor }) => isFor(session)).map(({ to, name }) => (
          <Link
            key={to}
            to={to}
            activeOptions={{ exact: true }}
            className="-mb-px border-b-2 border-transparent px-3 py-2 text-muted no-underline hover:text-ink aria-[current=page]:border-accent aria-[current=page]:font-medium aria-[current=page]:text-ink"
          >
            {settings.tabs[name]}
          </Link>
        ))}
      </nav>
      {children}
    </Page>
  );
}
