import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import { sourceQuery, sourcesQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Code } from '../../design/copy.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Card, Facts, Page, Section } from '../../design/page.tsx';
import { Question } from '../../design/question.tsx';
import { Time } from '../../design/time.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';
import { SourceStatus } from './sources.tsx';

const route = getRouteApi('/sources/$id');

/** One source: does it hear, and why was the last one refused. */
export function SourcePage() {
  const { words, language } = useLanguage();
  const { sources } = words;
  const { id } = route.useParams();
  const navigate = route.useNavigate();
  const mayManage = useMayManage();
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const query = useQuery(sourceQuery(id));
  const remove = useMutation({
    mutationFn: (version: number) =>
      call(`/v1/sources/${encodeURIComponent(id)}`, { method: 'DELETE', version }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: sourcesQuery().queryKey });
      void navigate({ to: '/sources' });
    },
  });
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  const source = query.data;
  const { activity } = source;
  const count = (value: number) => formatCount(value, language);
  const when = (at: string | null) => (at === null ? words.time.never : <Time at={at} />);
  return (
    <Page
      title={source.name}
      answer={<SourceStatus source={source} />}
      actions={
        mayManage && (
          <Button kind="danger" onClick={() => setAsking(true)}>
            {sources.remove}
          </Button>
        )
      }
    >
      <div className="grid grid-cols-1 gap-8 lg:grid-cols-2">
        <Section title={sources.events}>
          <Card>
            <Facts
              facts={[
                [sources.requests, count(activity.requests)],
                [sources.events, count(activity.events)],
                [sources.duplicates, count(activity.duplicates)],
                [sources.refused, count(activity.refused)],
                [sources.last, when(activity.last_event_at)],
              ]}
            />
          </Card>
        </Section>
        <Section title={words.message.ids}>
          <Card>
            <Facts
              facts={[
                ['id', <Code key="id" text={source.id} isShort />],
                [sources.provider, source.provider],
                [words.deliveries.created, when(source.created_at)],
              ]}
            />
          </Card>
        </Section>
      </div>
      {activity.last_refusal !== null && (
        <Section title={sources.lastRefusal}>
          <Card className="p-3">
            <p>
              <code className="font-mono text-[13px]">{activity.last_refusal.code}</code>{' '}
              <span className="text-muted">{when(activity.last_refusal.at)}</span>
            </p>
            <p className="mt-1 text-bad">{activity.last_refusal.detail}</p>
          </Card>
        </Section>
      )}
      {isAsking && (
        <Question
          title={sources.remove}
          effect={sources.removeEffect}
          action={sources.remove}
          kind="danger"
          isBusy={remove.isPending}
          error={remove.error}
          confirm={() => remove.mutate(source.version)}
          close={() => setAsking(false)}
        />
      )}
    </Page>
  );
}
