import type { ReactNode } from 'react';
import { Page } from '../../design/page.tsx';
import { PageTabs } from '../../design/page-tabs.tsx';
import { useWords } from '../../words/words.tsx';

/** Mail that came in, and the addresses that it is taken for: two lists that belong together. */
export function InboundPage({
  answer,
  actions,
  children,
}: {
  answer: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const { inbound } = useWords();
  return (
    <Page title={inbound.title} answer={answer} actions={actions} isWide>
      <PageTabs
        label={inbound.title}
        tabs={[
          ['/inbound', inbound.tabs.mail],
          ['/inbound/routes', inbound.tabs.routes],
        ]}
      />
      {children}
    </Page>
  );
}
