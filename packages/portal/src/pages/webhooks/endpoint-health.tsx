import { useQuery } from '@tanstack/react-query';
import type { Endpoint, Gaps } from '../../api/objects.ts';
import { queueQuery } from '../../api/queries.ts';
import { Time } from '../../design/time.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';
import { EndpointStatus } from './endpoints.tsx';

/** How the endpoint is, in a sentence: since when it fails, what waits, when it is tried again. */
export function EndpointHealth({ endpoint, gaps }: { endpoint: Endpoint; gaps: Gaps | undefined }) {
  const { words, language } = useLanguage();
  const { endpoint: say } = words;
  const queue = useQuery(queueQuery()).data?.data.find((one) => one.endpoint_id === endpoint.id);
  const { failing_since, patience_used_percent } = endpoint.health;
  const probeAt = queue?.breaker?.next_probe_at ?? null;
  const parts = [
    failing_since !== null && (
      <span key="since">
        {say.firstFailed} <Time at={failing_since} />
      </span>
    ),
    endpoint.status === 'disabled' && <span key="off">{words.overview.disabled}</span>,
    queue !== undefined && queue.depth > 0 && (
      <span key="waiting">{say.waiting(formatCount(queue.depth, language))}</span>
    ),
    probeAt !== null && (
      <span key="probe">
        {say.probe} <Time at={probeAt} />
      </span>
    ),
    queue?.breaker?.state === 'recovering' && <span key="recovering">{say.recovering}</span>,
    patience_used_percent > 0 && endpoint.status === 'enabled' && (
      <span key="patience">{say.patience(String(Math.round(patience_used_percent)))}</span>
    ),
    failing_since === null && gaps !== undefined && gaps.owed > 0 && (
      <span key="rate">
        {say.delivered(formatCount(gaps.delivered, language), formatCount(gaps.owed, language))}
        {gaps.at_least && '+'}
      </span>
    ),
  ].filter((part) => part !== false);
  return (
    <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
      <EndpointStatus endpoint={endpoint} />
      {parts.flatMap((part, i) => (i === 0 ? [part] : [' · ', part]))}
    </span>
  );
}
