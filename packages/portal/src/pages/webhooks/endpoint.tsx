import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { DeliveryState, Endpoint } from '../../api/objects.ts';
import { endpointQuery, gapsQuery } from '../../api/queries.ts';
import { useIsCustomer, useMayManage } from '../../api/session.ts';
import { Code } from '../../design/copy.tsx';
import { SelectField } from '../../design/forms/field.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Card, Facts, Page, Section } from '../../design/page.tsx';
import { Time } from '../../design/time.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';
import { DeliveriesList } from '../deliveries/deliveries-list.tsx';
import { OpenReplays } from '../jobs/open-jobs.tsx';
import { EndpointActions } from './endpoint-actions.tsx';
import { EndpointHealth } from './endpoint-health.tsx';
import { describeTypes } from './endpoints.tsx';
import { SendTest } from './send-test.tsx';
import { Transformation } from './transformation.tsx';
import { endpointPath, useRefreshEndpoint } from './use-endpoint-change.ts';

const route = getRouteApi('/webhooks/$id');

/** One endpoint: is it well, what was it owed, and what became of each delivery. */
export function EndpointPage() {
  const { words, language } = useLanguage();
  const { id } = route.useParams();
  const { state = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const mayManage = useMayManage();
  const isCustomer = useIsCustomer();
  const client = useQueryClient();
  const ended = useCallback(
    () => void client.invalidateQueries({ queryKey: gapsQuery(id).queryKey }),
    [client, id],
  );
  const query = useQuery(endpointQuery(id));
  const gaps = useQuery(gapsQuery(id)).data;
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  const endpoint = query.data;
  const states = Object.entries(words.deliveryStates) as [DeliveryState, string][];
  return (
    <Page
      title={endpoint.url}
      answer={
        <span className="flex flex-col items-start gap-3">
          <EndpointHealth endpoint={endpoint} gaps={gaps} />
          {mayManage && <SendTest endpointId={endpoint.id} />}
        </span>
      }
      actions={mayManage && <EndpointActions endpoint={endpoint} />}
    >
      <OpenReplays endpointId={endpoint.id} ended={ended} />
      <div className="grid grid-cols-1 gap-x-8 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <Section
          title={words.deliveries.title}
          aside={
            <SelectField
              label={words.deliveries.state}
              value={state}
              options={[['', words.common.all], ...states]}
              onChange={(event) =>
                void navigate({
                  search: event.target.value === '' ? {} : { state: event.target.value },
                })
              }
              className="!w-auto"
            />
          }
        >
          <DeliveriesList
            isOfEndpoint
            filters={{ endpoint_id: endpoint.id, state }}
            empty={{ title: words.deliveries.empty, help: words.deliveries.emptyHelp }}
          />
        </Section>
        <div className="lg:col-start-1 lg:row-start-2">
          {mayManage && !isCustomer && endpoint.dialect === 'standard' && (
            <EndpointTransformation key={endpoint.id} endpoint={endpoint} />
          )}
        </div>
        <div>
          {gaps !== undefined && (
            <Section title={words.deliveries.state}>
              <Card>
                <Facts
                  facts={states
                    .filter(([key]) => gaps.by_state[key] > 0)
                    .map(([key, name]) => [
                      name,
                      <Link
                        key={key}
                        to="/webhooks/$id"
                        params={{ id: endpoint.id }}
                        search={{ state: key }}
                      >
                        {formatCount(gaps.by_state[key], language)}
                        {gaps.at_least && '+'}
                      </Link>,
                    ])}
                />
              </Card>
            </Section>
          )}
          <Section title={words.message.ids}>
            <Card>
              <Facts
                facts={[
                  ['id', <Code key="id" text={endpoint.id} isShort />],
                  [words.endpoints.events, describeTypes(endpoint.event_types, words)],
                  [words.deliveries.created, <Time key="at" at={endpoint.created_at} />],
                ]}
              />
            </Card>
          </Section>
        </div>
      </div>
    </Page>
  );
}

function EndpointTransformation({ endpoint }: { endpoint: Endpoint }) {
  const changed = useRefreshEndpoint(endpoint);
  return <Transformation path={endpointPath(endpoint)} of={endpoint} changed={changed} />;
}
