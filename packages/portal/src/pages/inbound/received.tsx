import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import { AUTHENTICATION_METHODS, type ReceivedDetail } from '../../api/objects.ts';
import { receivedDetailQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Code } from '../../design/copy.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Card, Facts, Page, Section } from '../../design/page.tsx';
import { Question } from '../../design/question.tsx';
import { Badge } from '../../design/state.tsx';
import { Time } from '../../design/time.tsx';
import { formatBytes } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';
import { MailNote } from './inbound.tsx';
import { DownloadButton, ReceivedContent } from './received-content.tsx';

const route = getRouteApi('/inbound/$id');

/** One mail that came in: what it says, what it proves of its sender, and its files. */
export function ReceivedPage() {
  const { inbound, messages } = useWords();
  const { id } = route.useParams();
  const mayManage = useMayManage();
  const [isAsking, setAsking] = useState(false);
  const query = useQuery(receivedDetailQuery(id));
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  const mail = query.data;
  return (
    <Page
      title={mail.subject ?? messages.noSubject}
      answer={<Answer mail={mail} />}
      actions={
        <>
          <DownloadButton
            path={`/v1/inbound/messages/${encodeURIComponent(id)}/raw`}
            filename={`${id}.eml`}
            label={inbound.downloadMail}
          />
          {mayManage && (
            <Button kind="danger" onClick={() => setAsking(true)}>
              {inbound.remove}
            </Button>
          )}
        </>
      }
    >
      <div className="grid gap-x-8 lg:grid-cols-[minmax(0,1fr)_24rem]">
        <ReceivedContent mail={mail} />
        <Aside mail={mail} />
      </div>
      {isAsking && <Remove mail={mail} close={() => setAsking(false)} />}
    </Page>
  );
}

/** Whether it is from whom it says, before anything else of it is believed. */
function Answer({ mail }: { mail: ReceivedDetail }) {
  const { inbound } = useWords();
  const isProven = mail.authentication?.dmarc.result === 'pass';
  const from = mail.from?.address ?? inbound.nobody;
  const reasons = mail.spam?.suspected === true ? mail.spam.reasons : [];
  return (
    <div className="flex flex-col gap-2">
      <span className="flex flex-wrap items-center gap-2">
        <Badge tone={isProven ? 'good' : 'warn'} icon={isProven ? 'check' : 'flag'}>
          {isProven ? inbound.proven : inbound.notProven}
        </Badge>
        <span className="wrap-anywhere">
          {isProven ? inbound.provenAnswer(from) : inbound.notProvenAnswer(from)}
        </span>
      </span>
      {(reasons.length > 0 || mail.automatic != null) && (
        <span className="flex flex-wrap items-center gap-2">
          <MailNote mail={mail} />
          {reasons.length > 0 ? reasons.map((one) => reasonOf(one, inbound)).join(', ') : null}
          {reasons.length === 0 && inbound.automaticAnswer}
        </span>
      )}
    </div>
  );
}

function reasonOf(
  reason: string,
  { spamReasons }: { spamReasons: Record<string, string> },
): string {
  return spamReasons[reason] ?? reason;
}

function Aside({ mail }: { mail: ReceivedDetail }) {
  const { words, language } = useLanguage();
  const { inbound, messages, common } = words;
  const people = (list: ReceivedDetail['to']) =>
    (list ?? []).map(({ address }) => address).join(', ') || common.none;
  const { authentication } = mail;
  return (
    <div>
      <Section title={inbound.envelope}>
        <Card>
          <Facts
            facts={[
              [messages.from, describeSender(mail, common.none)],
              [messages.recipient, <Code key="to" text={mail.recipient} />],
              ...(mail.plus_tag == null ? [] : [[inbound.plusTag, mail.plus_tag] as const]),
              [inbound.to, people(mail.to)],
              ...((mail.cc ?? []).length === 0 ? [] : [['Cc', people(mail.cc)] as const]),
              ...((mail.reply_to ?? []).length === 0
                ? []
                : [[inbound.replyTo, people(mail.reply_to)] as const]),
              [inbound.returnPath, mail.envelope_from || inbound.nobodyToAnswer],
              [inbound.received, <Time key="at" at={mail.received_at} />],
              [words.message.size, formatBytes(mail.size_bytes ?? 0, language)],
            ]}
          />
        </Card>
      </Section>
      {authentication !== undefined && (
        <Section title={inbound.authentication}>
          <Card>
            <Facts
              facts={AUTHENTICATION_METHODS.map((name) => [
                name.toUpperCase(),
                <Result key={name} result={authentication[name].result} />,
              ])}
            />
          </Card>
        </Section>
      )}
      <Section title={words.message.ids}>
        <Card>
          <Facts
            facts={[
              ['id', <Code key="id" text={mail.id} isShort />],
              ...(mail.smtp_id === null
                ? []
                : [
                    [
                      words.message.smtpId,
                      <Code key="smtp" text={mail.smtp_id} isShort />,
                    ] as const,
                  ]),
              ...(mail.in_reply_to == null
                ? []
                : [
                    [
                      inbound.answers,
                      <Link
                        key="answers"
                        to="/messages"
                        search={{ smtp_id: mail.in_reply_to }}
                        className="wrap-anywhere"
                      >
                        {mail.in_reply_to}
                      </Link>,
                    ] as const,
                  ]),
              ...(mail.route_id == null
                ? []
                : [
                    [
                      inbound.route,
                      <Link key="route" to="/inbound/routes/$id" params={{ id: mail.route_id }}>
                        {mail.route_id}
                      </Link>,
                    ] as const,
                  ]),
            ]}
          />
        </Card>
      </Section>
      <Link to="/events" search={{ type: 'email.received', recipient: mail.recipient }}>
        {inbound.events}
      </Link>
    </div>
  );
}

function describeSender({ from }: ReceivedDetail, nobody: string): string {
  if (from == null) return nobody;
  return typeof from.name === 'string' ? `${from.name} <${from.address}>` : from.address;
}

function Result({ result }: { result: string }) {
  const isGood = result === 'pass';
  const isBad = result === 'fail' || result === 'softfail';
  return (
    <Badge
      tone={isGood ? 'good' : isBad ? 'bad' : 'idle'}
      icon={isGood ? 'check' : isBad ? 'cross' : 'dot'}
    >
      {result}
    </Badge>
  );
}

function Remove({ mail, close }: { mail: ReceivedDetail; close: () => void }) {
  const { inbound, messages } = useWords();
  const client = useQueryClient();
  const navigate = route.useNavigate();
  const remove = useMutation({
    mutationFn: () =>
      call(`/v1/inbound/messages/${encodeURIComponent(mail.id)}`, { method: 'DELETE' }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: ['/v1/inbound/messages'] });
      void navigate({ to: '/inbound' });
    },
  });
  return (
    <Question
      title={inbound.removeTitle(mail.subject ?? messages.noSubject)}
      effect={inbound.removeEffect}
      action={inbound.remove}
      kind="danger"
      isBusy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    />
  );
}
