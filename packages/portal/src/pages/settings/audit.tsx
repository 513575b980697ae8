import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { AuditEntry } from '../../api/objects.ts';
import { auditQuery } from '../../api/queries.ts';
import { useSession } from '../../api/session.ts';
import { Code } from '../../design/copy.tsx';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Modal } from '../../design/modal.tsx';
import { Empty } from '../../design/notices.tsx';
import { Facts } from '../../design/page.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';
import { SettingsPage } from './settings-page.tsx';

/** Who did what, when, to what. */
export function AuditPage() {
  const { settings } = useWords();
  const { audit } = settings;
  const { projects } = useSession();
  const [shown, setShown] = useState<AuditEntry | null>(null);
  const query = useInfiniteQuery(auditQuery());
  const nameOf = (id: string | null) => projects.find((one) => one.id === id)?.name ?? id ?? '';
  const columns: Column<AuditEntry>[] = [
    {
      name: audit.who,
      width: 'minmax(10rem, 2fr)',
      cell: ({ user_email }) => user_email,
    },
    {
      name: audit.what,
      width: 'minmax(12rem, 3fr)',
      cell: ({ action }) => <code className="font-mono text-[13px]">{action}</code>,
    },
    {
      name: audit.target,
      width: 'minmax(8rem, 2fr)',
      cell: ({ target }) => <span className="font-mono text-[13px]">{target ?? ''}</span>,
      isExtra: true,
    },
    { name: audit.when, width: '8rem', cell: ({ created_at }) => <Time at={created_at} /> },
  ];
  return (
    <SettingsPage tab="audit" answer={audit.lead}>
      <QueryList
        query={query}
        empty={<Empty title={audit.empty} help={audit.lead} />}
        label={settings.tabs.audit}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ user_email, action }) => `${user_email} ${action}`}
        open={setShown}
      />
      {shown !== null && (
        <Modal title={shown.action} close={() => setShown(null)}>
          <Facts
            facts={[
              [audit.who, shown.user_email],
              [audit.from, <Code key="from" text={shown.remote_address} />],
              [audit.when, <Time key="when" at={shown.created_at} isExact />],
              [audit.project, nameOf(shown.project_id)],
              [
                audit.target,
                shown.target === null ? '' : <Code key="target" text={shown.target} />,
              ],
            ]}
          />
        </Modal>
      )}
    </SettingsPage>
  );
}
