import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { call } from '../../api/client.ts';
import type { AttemptDetail, Delivery, Header } from '../../api/objects.ts';
import { toProblem } from '../../api/problem.ts';
import { deliveryQuery } from '../../api/queries.ts';
import { useIsCustomer, useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Code, CodeBlock } from '../../design/copy.tsx';
import { formatBody } from '../../design/format-body.ts';
import { Alert } from '../../design/forms/form.tsx';
import { Icon } from '../../design/icon.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Card, Facts, Page, Section } from '../../design/page.tsx';
import { Badge, DeliveryStateBadge } from '../../design/state.tsx';
import { Time } from '../../design/time.tsx';
import { formatSpan } from '../../words/format.ts';
import { useWords } from '../../words/words.tsx';

const route = getRouteApi('/deliveries/$id');

/** While something may still happen, the page looks again. */
const OPEN: ReadonlySet<string> = new Set(['pending', 'in_flight', 'retrying']);
const LOOK_AGAIN_MS = 2_000;

/** Why did my endpoint refuse it: each attempt, with what was sent and what came back. */
export function DeliveryPage() {
  const words = useWords();
  const { id } = route.useParams();
  const mayManage = useMayManage();
  const isCustomer = useIsCustomer();
  const client = useQueryClient();
  const query = useQuery({
    ...deliveryQuery(id),
    refetchInterval: ({ state }) => (OPEN.has(state.data?.state ?? '') ? LOOK_AGAIN_MS : false),
  });
  const retry = useMutation({
    mutationFn: () =>
      call<Delivery>(`/v1/deliveries/${encodeURIComponent(id)}/retry`, { method: 'POST' }),
    onSettled: () => client.invalidateQueries({ queryKey: deliveryQuery(id).queryKey }),
  });
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  const delivery = query.data;
  return (
    <Page
      title={delivery.endpoint_url ?? delivery.endpoint_id}
      answer={
        <span className="flex flex-wrap items-center gap-2">
          <DeliveryStateBadge state={delivery.state} />
          {words.message.attempts(delivery.attempt_count)}
          {delivery.next_attempt_at !== null && <Time at={delivery.next_attempt_at} />}
        </span>
      }
      actions={
        mayManage && (
          <Button isBusy={retry.isPending} onClick={() => retry.mutate()}>
            <Icon name="again" />
            {words.deliveries.retry}
          </Button>
        )
      }
    >
      {retry.isError && <Alert>{toProblem(retry.error).message}</Alert>}
      <div className="grid grid-cols-1 gap-x-8 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="min-w-0">
          {delivery.attempts.toReversed().map((attempt) => (
            <AttemptCard key={attempt.id} attempt={attempt} />
          ))}
          {typeof delivery.body === 'string' && (
            <Section title={words.deliveries.request}>
              <CodeBlock text={formatBody(delivery.body, '')} label={words.deliveries.request} />
            </Section>
          )}
        </div>
        <Section title={words.message.ids}>
          <Card>
            <Facts
              facts={[
                ['id', <Code key="id" text={delivery.id} isShort />],
                [
                  words.deliveries.event,
                  isCustomer ? (
                    <Code key="event" text={delivery.event_id} isShort />
                  ) : (
                    <Link
                      key="event"
                      to="/events/$id"
                      params={{ id: delivery.event_id }}
                      className="font-mono text-[13px]"
                    >
                      {delivery.event_id.slice(0, 12)}…
                    </Link>
                  ),
                ],
                [
                  words.deliveries.endpoint,
                  <Link
                    key="endpoint"
                    to="/webhooks/$id"
                    params={{ id: delivery.endpoint_id }}
                    className="font-mono text-[13px]"
                  >
                    {delivery.endpoint_id.slice(0, 12)}…
                  </Link>,
                ],
                [words.deliveries.created, <Time key="at" at={delivery.created_at} isExact />],
              ]}
            />
          </Card>
        </Section>
      </div>
    </Page>
  );
}

const LOOKS = {
  succeeded: { tone: 'good', icon: 'check' },
  failed: { tone: 'bad', icon: 'cross' },
  skipped: { tone: 'idle', icon: 'skip' },
} as const;

function AttemptCard({ attempt }: { attempt: AttemptDetail }) {
  const words = useWords();
  const { response, request, error_detail, outcome } = attempt;
  const { tone, icon } = LOOKS[outcome];
  return (
    <Card className="mb-4">
      <div className="flex flex-wrap items-center gap-3 border-b border-line px-3 py-2">
        <Badge tone={tone} icon={icon}>
          {String(attempt.status ?? attempt.error_code ?? '')}
        </Badge>
        <Time at={attempt.started_at} />
        <span className="text-muted">{formatSpan(attempt.latency_ms, words)}</span>
      </div>
      {error_detail !== null && (
        <p className={`px-3 pt-3 ${outcome === 'skipped' ? 'text-muted' : 'text-bad'}`}>
          {error_detail}
        </p>
      )}
      <TimingBar attempt={attempt} />
      <details className="border-t border-line px-3 py-2">
        <summary>{words.deliveries.request}</summary>
        <HeaderList headers={request.headers} />
      </details>
      <details className="border-t border-line px-3 py-2" open={outcome !== 'succeeded'}>
        <summary>{words.deliveries.response}</summary>
        {response === null ? (
          <p className="mt-2 text-muted">{words.deliveries.noAnswer}</p>
        ) : (
          <>
            <HeaderList headers={response.headers} />
            {response.excerpt !== null && (
              <CodeBlock
                text={response.excerpt}
                label={`${words.deliveries.response} ${attempt.number}`}
              />
            )}
          </>
        )}
      </details>
    </Card>
  );
}

const PHASES = [
  ['DNS', 'dns_ms', 'bg-idle'],
  ['connect', 'connect_ms', 'bg-engaged'],
  ['TLS', 'tls_ms', 'bg-complaint'],
  ['first byte', 'first_byte_ms', 'bg-accent'],
] as const;

/** Where the time went, as a bar and in words. */
function TimingBar({ attempt: { timing } }: { attempt: AttemptDetail }) {
  const words = useWords();
  if (timing === null) return null;
  const parts = PHASES.flatMap(([name, key, colour]) => {
    const ms = timing[key];
    return ms === null ? [] : [{ name, ms, colour }];
  });
  const total = Math.max(
    parts.reduce((sum, { ms }) => sum + ms, 0),
    1,
  );
  return (
    <div className="px-3 py-3">
      <div aria-hidden="true" className="flex h-2 overflow-hidden rounded-md bg-sunken">
        {parts.map(({ name, ms, colour }) => (
          <div key={name} className={colour} style={{ width: `${(ms * 100) / total}%` }} />
        ))}
      </div>
      <p className="mt-1.5 text-[13px] text-muted">
        {parts.map(({ name, ms }) => `${name} ${formatSpan(ms, words)}`).join(' · ')}
        {timing.connection_reused && ` · ${words.deliveries.reused}`}
        {timing.remote_address !== null && ` · ${timing.remote_address}`}
      </p>
    </div>
  );
}

function HeaderList({ headers }: { headers: readonly Header[] }) {
  return (
    <dl className="my-2 grid grid-cols-[minmax(8rem,auto)_1fr] gap-x-4 gap-y-1 font-mono text-[13px]">
      {headers.map(({ name, value }) => (
        <div key={`${name} ${value}`} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="min-w-0 break-all">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
