import { getRouteApi } from '@tanstack/react-router';
import { Page } from '../../design/page.tsx';
import { useWords } from '../../words/words.tsx';
import { DeliveriesList } from './deliveries-list.tsx';

const route = getRouteApi('/dead-letters');

/** What was given up, until somebody sends it again. */
export function DeadLetters() {
  const { deliveries } = useWords();
  const filters = route.useSearch();
  return (
    <Page title={deliveries.deadTitle} isWide>
      <DeliveriesList
        filters={{ ...filters, state: 'dead' }}
        empty={{ title: deliveries.noneDead, help: deliveries.noneDeadHelp }}
      />
    </Page>
  );
}
