import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { Domain, DomainRecord } from '../../api/objects.ts';
import { toProblem } from '../../api/problem.ts';
import { domainQuery, domainsQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Code, CodeBlock } from '../../design/copy.tsx';
import { Alert } from '../../design/forms/form.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Card, Facts, Page, Section } from '../../design/page.tsx';
import { Question } from '../../design/question.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';
import { DomainStatus } from './domains.tsx';
import { RecordStatus } from './record-status.tsx';

const route = getRouteApi('/domains/$id');

/** One domain: what to publish, what DNS says now, and what that means for sending. */
export function DomainPage() {
  const { domains, time } = useWords();
  const { id } = route.useParams();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const mayManage = useMayManage();
  const [isAsking, setAsking] = useState(false);
  const query = useQuery(domainQuery(id));
  const path = `/v1/domains/${encodeURIComponent(id)}`;
  const check = useMutation({
    mutationFn: () => call<Domain>(`${path}/check`, { method: 'POST' }),
    onSuccess(domain) {
      client.setQueryData(domainQuery(id).queryKey, domain);
      void client.invalidateQueries({ queryKey: domainsQuery().queryKey });
    },
  });
  const remove = useMutation({
    mutationFn: (version: number) => call(path, { method: 'DELETE', version }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: domainsQuery().queryKey });
      void navigate({ to: '/domains' });
    },
  });
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  const domain = query.data;
  const [needed, wanted] = [true, false].map((required) =>
    domain.records.filter((record) => record.required === required),
  );
  return (
    <Page
      title={domain.unicode_name}
      answer={
        <span className="flex flex-wrap items-center gap-2">
          <DomainStatus domain={domain} />
          {domains.answers[domain.status]}
        </span>
      }
      actions={
        mayManage && (
          <>
            <Button kind="primary" isBusy={check.isPending} onClick={() => check.mutate()}>
              {domains.checkNow}
            </Button>
            <Button kind="danger" onClick={() => setAsking(true)}>
              {domains.remove}
            </Button>
          </>
        )
      }
    >
      {check.isError && <Alert>{toProblem(check.error).message}</Alert>}
      <p role="status" className="mb-4 text-muted">
        {domains.checked}{' '}
        {domain.checked_at === null ? time.never : <Time at={domain.checked_at} />}
      </p>
      <Records title={domains.needed} records={needed ?? []} />
      <Records title={domains.wanted} records={wanted ?? []} />
      {isAsking && (
        <Question
          title={domain.unicode_name}
          effect={domains.removeEffect}
          action={domains.remove}
          kind="danger"
          isBusy={remove.isPending}
          error={remove.error}
          confirm={() => remove.mutate(domain.version)}
          close={() => setAsking(false)}
        />
      )}
    </Page>
  );
}

function Records({ title, records }: { title: string; records: readonly DomainRecord[] }) {
  if (records.length === 0) return null;
  return (
    <Section title={title}>
      <ul className="flex flex-col gap-3">
        {records.map((record) => (
          <li key={`${record.purpose} ${record.name} ${record.type}`}>
            <RecordCard record={record} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function RecordCard({ record }: { record: DomainRecord }) {
  const { domains } = useWords();
  const { name, type, expected, found, detail, purpose } = record;
  return (
    <Card>
      <div className="flex flex-wrap items-center gap-3 px-3 pt-3">
        <RecordStatus status={record.status} />
        <span className="font-medium">{purpose.replaceAll('_', ' ').toUpperCase()}</span>
        {detail !== null && <span className="text-muted">{detail}</span>}
      </div>
      <Facts
        facts={[
          [domains.recordName, <Code key="name" text={name} />],
          [domains.recordType, type],
          [
            domains.recordValue,
            expected === null ? (
              domains.anyValue
            ) : (
              <CodeBlock
                key="value"
                text={expected}
                label={`${domains.recordValue} ${purpose} ${type} ${name}`}
              />
            ),
          ],
          [
            domains.found,
            found === null ? (
              domains.nothingFound
            ) : (
              <code key="found" className="font-mono text-[13px] break-all">
                {found}
              </code>
            ),
          ],
        ]}
      />
    </Card>
  );
}
