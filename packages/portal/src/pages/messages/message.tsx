import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type {
  Attempt,
  Delivery,
  MessageDetail,
  PosthornEvent,
  TimelineEntry,
} from '../../api/objects.ts';
import { messageQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Code } from '../../design/copy.tsx';
import { Icon } from '../../design/icon.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Card, Facts, Page, Section } from '../../design/page.tsx';
import { DeliveryStateBadge, MailState } from '../../design/state.tsx';
import { Time } from '../../design/time.tsx';
import type { Words } from '../../words/en.ts';
import { formatBytes, formatSpan } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';
import { AddSuppression } from '../suppressions/suppression-dialogs.tsx';
import { MessageActions } from './message-actions.tsx';
import { MessagePreview } from './message-preview.tsx';
import { Transcripts } from './transcripts.tsx';

const route = getRouteApi('/messages/$id');

/** While something is under way, the page looks again, ms. */
const LOOK_AGAIN_MS = 3_000;

/** Where is this email, and was our application told? */
export function MessagePage() {
  const words = useWords();
  const { id } = route.useParams();
  const query = useQuery({
    ...messageQuery(id),
    refetchInterval: ({ state }) => (isUnderWay(state.data) ? LOOK_AGAIN_MS : false),
  });
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  const message = query.data;
  return (
    <Page
      title={message.subject ?? words.messages.noSubject}
      answer={<Answer message={message} />}
      actions={<MessageActions message={message} />}
    >
      <div className="grid grid-cols-1 gap-8 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="min-w-0">
          <Journey message={message} />
          <Transcripts message={message} />
          <MessagePreview id={message.id} />
        </div>
        <Aside message={message} />
      </div>
    </Page>
  );
}

function isUnderWay(message: MessageDetail | undefined): boolean {
  if (message === undefined) return false;
  const isOnItsWay = message.recipients.some(({ next_attempt_at }) => next_attempt_at !== null);
  const open = new Set(['pending', 'in_flight', 'retrying']);
  return (
    isOnItsWay || message.timeline.some((one) => one.deliveries.some((d) => open.has(d.state)))
  );
}

/** The two questions in two sentences. */
function Answer({ message }: { message: MessageDetail }) {
  const words = useWords();
  const mayManage = useMayManage();
  const [suppressed, setSuppressed] = useState<string | null>(null);
  const deliveries = message.timeline.flatMap((entry) => entry.deliveries);
  const told = deliveries.filter(({ state }) => state === 'delivered').length;
  const sentence =
    deliveries.length === 0
      ? words.message.toldNobody
      : told === 0
        ? words.message.notYet
        : told === deliveries.length
          ? words.message.toldAll(new Set(deliveries.map(({ endpoint_id }) => endpoint_id)).size)
          : words.message.toldSome(told, deliveries.length);
  return (
    <div className="flex flex-col gap-2">
      <ul className="flex flex-col gap-1.5">
        {message.recipients.map(({ address, state, next_attempt_at }) => (
          <li key={address} className="flex flex-wrap items-center gap-2">
            <MailState state={state} />
            <span className="font-mono text-[13px] break-all text-ink">{address}</span>
            {next_attempt_at !== null && (
              <span>
                <Time at={next_attempt_at} />
              </span>
            )}
            {mayManage && (
              <Button
                kind="quiet"
                aria-label={`${words.message.suppress} ${address}`}
                onClick={() => setSuppressed(address)}
              >
                <Icon name="suppressions" />
                {words.message.suppress}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <p>{sentence}</p>
      {suppressed !== null && (
        <AddSuppression address={suppressed} close={() => setSuppressed(null)} />
      )}
    </div>
  );
}

/** One line, two lanes: what became of the mail, and who was told of it. */
function Journey({ message }: { message: MessageDetail }) {
  const words = useWords();
  return (
    <section aria-label={words.message.mail} className="mb-8">
      <div className="mb-2 grid grid-cols-2 gap-6 text-muted max-sm:hidden" aria-hidden="true">
        <h2 className="font-semibold">{words.message.mail}</h2>
        <h2 className="font-semibold">{words.message.told}</h2>
      </div>
      <ol className="relative flex flex-col gap-4 border-l-2 border-line pl-4">
        {message.timeline.map((entry) => (
          <li key={entry.event.id} className="grid grid-cols-1 gap-x-6 gap-y-2 sm:grid-cols-2">
            <MailStep event={entry.event} />
            <Told entry={entry} />
          </li>
        ))}
      </ol>
      {message.timeline_truncated && <p className="mt-3 text-muted">{words.message.truncated}</p>}
    </section>
  );
}

function MailStep({ event }: { event: PosthornEvent }) {
  const words = useWords();
  const { recipient, delivery } = event.data;
  return (
    <div className="min-w-0">
      <div className="flex flex-wrap items-center gap-2">
        <Link to="/events/$id" params={{ id: event.id }} className="no-underline">
          <MailState state={event.type.replace(/^email\./, '')} />
        </Link>
        <span className="text-muted">
          <Time at={event.timestamp} />
        </span>
      </div>
      {typeof recipient === 'string' && (
        <p className="mt-1 truncate font-mono text-[13px] text-muted">{recipient}</p>
      )}
      {typeof delivery?.response === 'string' && (
        <p className="mt-1 rounded-md bg-sunken p-2 font-mono text-[13px] break-words">
          {delivery.response}
        </p>
      )}
      <p className="mt-1 text-[13px] text-muted">{describeDelivery(delivery, words)}</p>
    </div>
  );
}

function describeDelivery(delivery: PosthornEvent['data']['delivery'], words: Words): ReactNode {
  if (delivery === undefined) return null;
  const { mx, tls, latency_ms, next_attempt_at } = delivery;
  const parts: string[] = [];
  if (typeof mx === 'string') parts.push(mx);
  if (typeof tls === 'boolean') parts.push(tls ? words.message.tls : words.message.noTls);
  if (typeof latency_ms === 'number') parts.push(formatSpan(latency_ms, words));
  return (
    <>
      {parts.join(' · ')}
      {typeof next_attempt_at === 'string' && (
        <>
          {parts.length > 0 && ' · '}
          <Time at={next_attempt_at} />
        </>
      )}
    </>
  );
}

function Told({ entry: { deliveries } }: { entry: TimelineEntry }) {
  const { message } = useWords();
  if (deliveries.length === 0) return <p className="text-muted">{message.nobodyToTell}</p>;
  return (
    <ul className="flex min-w-0 flex-col gap-2">
      {deliveries.map((delivery) => (
        <ToldOne key={delivery.id} delivery={delivery} />
      ))}
    </ul>
  );
}

function ToldOne({ delivery }: { delivery: Delivery & { attempts: Attempt[] } }) {
  const words = useWords();
  const last = delivery.attempts.at(-1);
  return (
    <li className="min-w-0">
      <div className="flex flex-wrap items-center gap-2">
        <Link to="/deliveries/$id" params={{ id: delivery.id }} className="no-underline">
          <DeliveryStateBadge state={delivery.state} />
        </Link>
        <span className="text-muted">
          {last !== undefined && (
            <>
              {last.status ?? last.error_code} · {formatSpan(last.latency_ms, words)} ·{' '}
            </>
          )}
          {words.message.attempts(delivery.attempt_count)}
        </span>
      </div>
      <p className="mt-0.5 truncate font-mono text-[13px] text-muted">
        {delivery.endpoint_url ?? delivery.endpoint_id}
      </p>
      {last?.error_detail != null && (
        <p className="mt-0.5 text-[13px] text-bad">{last.error_detail}</p>
      )}
      {delivery.next_attempt_at !== null && (
        <p className="text-[13px] text-muted">
          <Time at={delivery.next_attempt_at} />
        </p>
      )}
    </li>
  );
}

function Aside({ message }: { message: MessageDetail }) {
  const { words, language } = useLanguage();
  const metadata = Object.entries(message.metadata);
  return (
    <div>
      <Section title={words.message.ids}>
        <Card>
          <Facts
            facts={[
              [words.message.messageId, <Code key="id" text={message.id} isShort />],
              [words.message.smtpId, <Code key="smtp" text={message.smtp_id} isShort />],
              [words.messages.from, <Code key="from" text={message.from} />],
              [words.messages.accepted, <Time key="at" at={message.created_at} />],
              [words.message.by, message.accepted_by.toUpperCase()],
              [words.message.size, formatBytes(message.size_bytes, language)],
              [words.message.tags, message.tags.join(', ') || words.common.none],
            ]}
          />
        </Card>
      </Section>
      {metadata.length > 0 && (
        <Section title={words.message.metadata}>
          <Card>
            <Facts facts={metadata} />
          </Card>
        </Section>
      )}
      <Link to="/events" search={{ message_id: message.id }}>
        {words.message.all}
      </Link>
    </div>
  );
}
