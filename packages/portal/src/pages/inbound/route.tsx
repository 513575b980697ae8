import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { CheckedRoute } from '../../api/objects.ts';
import { toProblem } from '../../api/problem.ts';
import { inboundRouteQuery, inboundRoutesQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Code } from '../../design/copy.tsx';
import { Alert } from '../../design/forms/form.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Card, Facts, Page, Section } from '../../design/page.tsx';
import { Time } from '../../design/time.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';
import { RecordStatus } from '../domains/record-status.tsx';
import { ChangeRoute, RemoveRoute, routePath } from './route-dialogs.tsx';
import { RouteState } from './routes.tsx';

const route = getRouteApi('/inbound/routes/$id');

/** One address: whether mail to it is taken, what is missing, and where DNS leads it. */
export function RoutePage() {
  const { words, language } = useLanguage();
  const { routes } = words;
  const { id } = route.useParams();
  const mayManage = useMayManage();
  const client = useQueryClient();
  const [open, setOpen] = useState<'change' | 'remove' | null>(null);
  const query = useQuery(inboundRouteQuery(id));
  const check = useMutation({
    mutationFn: () => call<CheckedRoute>(`${routePath(id)}/check`, { method: 'POST' }),
    onSuccess({ mx: _, ...checked }) {
      client.setQueryData(inboundRouteQuery(id).queryKey, checked);
      void client.invalidateQueries({ queryKey: inboundRoutesQuery().queryKey });
    },
  });
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  const address = query.data;
  const close = () => setOpen(null);
  return (
    <Page
      title={address.address}
      answer={
        <span className="flex flex-wrap items-center gap-2">
          <RouteState route={address} />
          <span className="wrap-anywhere">{address.detail ?? routes.answers[address.action]}</span>
        </span>
      }
      actions={
        mayManage && (
          <>
            <Button kind="primary" isBusy={check.isPending} onClick={() => check.mutate()}>
              {routes.check}
            </Button>
            <Button onClick={() => setOpen('change')}>{routes.change}</Button>
            <Button kind="danger" onClick={() => setOpen('remove')}>
              {routes.remove}
            </Button>
          </>
        )
      }
    >
      {check.isError && <Alert>{toProblem(check.error).message}</Alert>}
      {check.data !== undefined && <MxRecord mx={check.data.mx} />}
      <Section title={routes.about}>
        <Card className="max-w-2xl">
          <Facts
            facts={[
              [routes.action, routes.actions[address.action]],
              [routes.priority, formatCount(address.priority, language)],
              [words.messages.tags, address.tags.join(', ') || words.common.none],
              [routes.description, address.description || words.common.none],
              [routes.added, <Time key="at" at={address.created_at} />],
              ['id', <Code key="id" text={address.id} isShort />],
            ]}
          />
        </Card>
      </Section>
      <Link to="/inbound" search={{ route_id: id }}>
        {routes.mail}
      </Link>
      {open === 'change' && <ChangeRoute route={address} close={close} />}
      {open === 'remove' && <RemoveRoute route={address} close={close} />}
    </Page>
  );
}

/** What DNS has just said of where its mail goes. */
function MxRecord({ mx }: Pick<CheckedRoute, 'mx'>) {
  const { domains } = useWords();
  return (
    <Section title="MX">
      <Card className="max-w-2xl">
        <div role="status" className="flex flex-wrap items-center gap-3 px-3 pt-3">
          <RecordStatus status={mx.status} />
          {mx.detail !== null && <span className="text-muted">{mx.detail}</span>}
        </div>
        <Facts
          facts={[
            [domains.recordName, <Code key="name" text={mx.name} />],
            [domains.recordValue, <Code key="value" text={mx.expected} />],
            [domains.found, mx.found ?? domains.nothingFound],
          ]}
        />
      </Card>
    </Section>
  );
}
