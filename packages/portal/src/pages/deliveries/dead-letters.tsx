import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { call } from '../../api/client.ts';
import type { DeadGroup } from '../../api/objects.ts';
import { deadLettersQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Empty, isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Card, Page, Section } from '../../design/page.tsx';
import { Question } from '../../design/question.tsx';
import { Time } from '../../design/time.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';
import { OpenReplays } from '../jobs/open-jobs.tsx';
import { DeliveriesList } from './deliveries-list.tsx';
import { ReplayQuestion } from './replay-question.tsx';

const route = getRouteApi('/dead-letters');

type Open = { action: 'replay' | 'drop'; group: DeadGroup };

/** What was given up, by endpoint and reason, until somebody sends it again or drops it. */
export function DeadLetters() {
  const { words, language } = useLanguage();
  const { deliveries } = words;
  const filters = route.useSearch();
  const client = useQueryClient();
  const [open, setOpen] = useState<Open | null>(null);
  const query = useQuery(deadLettersQuery());
  const changed = useCallback(() => {
    void client.invalidateQueries({ queryKey: deadLettersQuery().queryKey });
    void client.invalidateQueries({ queryKey: ['/v1/deliveries'] });
  }, [client]);
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  const { data: groups, at_least } = query.data;
  const total = groups.reduce((sum, { count }) => sum + count, 0);
  const close = () => setOpen(null);
  return (
    <Page
      title={deliveries.deadTitle}
      isWide
      answer={
        total > 0 && deliveries.deadAnswer(`${formatCount(total, language)}${at_least ? '+' : ''}`)
      }
    >
      <OpenReplays ended={changed} />
      {groups.length === 0 ? (
        <Empty title={deliveries.noneDead} help={deliveries.noneDeadHelp} />
      ) : (
        <>
          <Card className="mb-8">
            <ul>
              {groups.map((group) => (
                <Group
                  key={`${group.endpoint_id} ${group.error_code}`}
                  group={group}
                  open={setOpen}
                />
              ))}
            </ul>
          </Card>
          <Section
            title={deliveries.title}
            aside={
              Object.keys(filters).length > 0 && (
                <Link to="/dead-letters" search={{}}>
                  {words.common.clear}
                </Link>
              )
            }
          >
            <DeliveriesList
              filters={{ ...filters, state: 'dead' }}
              empty={{ title: deliveries.noneDead, help: deliveries.noneDeadHelp }}
            />
          </Section>
        </>
      )}
      {open?.action === 'replay' && (
        <ReplayQuestion
          endpointId={open.group.endpoint_id}
          only={{
            states: ['dead'],
            ...(open.group.error_code === null ? {} : { error_code: open.group.error_code }),
          }}
          close={close}
        />
      )}
      {open?.action === 'drop' && <Drop group={open.group} close={close} changed={changed} />}
    </Page>
  );
}

function Group({ group, open }: { group: DeadGroup; open: (next: Open) => void }) {
  const { words, language } = useLanguage();
  const mayManage = useMayManage();
  const { endpoint_id, endpoint_url, error_code, status } = group;
  const name = `${endpoint_url ?? endpoint_id} ${error_code ?? ''}`;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line p-3 last:border-0">
      <Link
        to="/dead-letters"
        search={{ endpoint_id, ...(error_code === null ? {} : { error_code }) }}
        aria-label={`${formatCount(group.count, language)} ${name}`}
        className="min-w-14 text-right text-[17px] font-semibold"
      >
        {formatCount(group.count, language)}
      </Link>
      <div className="min-w-0 flex-1 basis-72">
        <p className="truncate font-mono text-[13px]">{endpoint_url ?? endpoint_id}</p>
        <p className="text-muted">
          <code className="font-mono text-[13px] text-bad">{error_code}</code>
          {' · '}
          <Time at={group.first_event_at} />
          {group.count > 1 && (
            <>
              {' – '}
              <Time at={group.last_event_at} />
            </>
          )}
          {status !== 'enabled' && ` · ${words.deliveries.endpointStatus[status]}`}
        </p>
      </div>
      {mayManage && (
        <span className="flex gap-2">
          {status === 'enabled' && (
            <Button
              aria-label={`${words.deliveries.replayThese}: ${name}`}
              onClick={() => open({ action: 'replay', group })}
            >
              {words.deliveries.replayThese}
            </Button>
          )}
          <Button
            kind="danger"
            aria-label={`${words.deliveries.drop}: ${name}`}
            onClick={() => open({ action: 'drop', group })}
          >
            {words.deliveries.drop}
          </Button>
        </span>
      )}
    </li>
  );
}

function Drop({
  group: { endpoint_id, endpoint_url, error_code, count },
  close,
  changed,
}: {
  group: DeadGroup;
  close: () => void;
  changed: () => void;
}) {
  const { language } = useLanguage();
  const { deliveries } = useWords();
  const drop = useMutation({
    mutationFn: () =>
      call('/v1/dead-letters/drop', {
        method: 'POST',
        body: { endpoint_id, ...(error_code === null ? {} : { error_code }) },
      }),
    onSuccess() {
      changed();
      close();
    },
  });
  const shown = formatCount(count, language);
  return (
    <Question
      title={endpoint_url ?? endpoint_id}
      effect={deliveries.dropEffect(shown)}
      action={deliveries.dropStart(shown)}
      kind="danger"
      isBusy={drop.isPending}
      error={drop.error}
      confirm={() => drop.mutate()}
      close={close}
    />
  );
}
