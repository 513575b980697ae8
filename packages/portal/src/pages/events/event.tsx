import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { deliveriesQuery, eventQuery } from '../../api/queries.ts';
import { Code } from '../../design/copy.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Card, Facts, Page, Section } from '../../design/page.tsx';
import { DeliveryStateBadge, EventTypeBadge } from '../../design/state.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';
import { EventBody } from './event-body.tsx';

const route = getRouteApi('/events/$id');

/** One event: its facts, who was told, and the JSON that they got. */
export function EventPage() {
  const words = useWords();
  const { id } = route.useParams();
  const query = useQuery(eventQuery(id));
  const deliveries = useInfiniteQuery(deliveriesQuery({ event_id: id }));
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  const event = query.data;
  const messageId = event.data.message?.id;
  const received = event.data.inbound?.id;
  const told = deliveries.data?.pages.flatMap(({ data }) => data) ?? [];
  return (
    <Page title={event.type} answer={<EventTypeBadge type={event.type} />}>
      <div className="grid grid-cols-1 gap-8 lg:grid-cols-[minmax(0,1fr)_24rem]">
        <EventBody event={event} />
        <div>
          <Section title={words.message.ids}>
            <Card>
              <Facts
                facts={[
                  ['id', <Code key="id" text={event.id} isShort />],
                  [words.events.when, <Time key="at" at={event.timestamp} isExact />],
                  [words.events.recipient, event.data.recipient ?? words.common.none],
                  [
                    words.message.messageId,
                    typeof messageId === 'string' ? (
                      <Link
                        key="message"
                        to="/messages/$id"
                        params={{ id: messageId }}
                        className="font-mono text-[13px]"
                      >
                        {messageId}
                      </Link>
                    ) : (
                      words.common.none
                    ),
                  ],
                  ...(typeof received === 'string'
                    ? [
                        [
                          words.inbound.mail,
                          <Link
                            key="mail"
                            to="/inbound/$id"
                            params={{ id: received }}
                            className="font-mono text-[13px]"
                          >
                            {received}
                          </Link>,
                        ] as const,
                      ]
                    : []),
                ]}
              />
            </Card>
          </Section>
          <Section title={words.message.told}>
            {told.length === 0 && <p className="text-muted">{words.message.nobodyToTell}</p>}
            <ul className="flex flex-col gap-2">
              {told.map((one) => (
                <li key={one.id} className="min-w-0">
                  <Link to="/deliveries/$id" params={{ id: one.id }} className="no-underline">
                    <DeliveryStateBadge state={one.state} />
                  </Link>
                  <p className="mt-0.5 truncate font-mono text-[13px] text-muted">
                    {one.endpoint_url ?? one.endpoint_id}
                  </p>
                </li>
              ))}
            </ul>
          </Section>
        </div>
      </div>
    </Page>
  );
}
