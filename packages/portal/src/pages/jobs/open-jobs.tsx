import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { jobsQuery } from '../../api/queries.ts';
import { Card } from '../../design/page.tsx';
import { isOpen, JobRow } from './job-row.tsx';

const LOOK_AGAIN_MS = 1_000;

/**
 * The replays of an endpoint (of all, without one) that are under way or have ended while the page was open.
 * They are read from the server, so a reload shows them again. `ended` is called when one is over.
 */
export function OpenReplays({ endpointId, ended }: { endpointId?: string; ended: () => void }) {
  const [sinceMs] = useState(Date.now);
  const client = useQueryClient();
  const options = jobsQuery({ kind: 'replay' });
  const { data } = useInfiniteQuery({
    ...options,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.data.some(isOpen)) ? LOOK_AGAIN_MS : false,
  });
  const jobs = (data?.pages.flatMap((page) => page.data) ?? []).filter(
    (job) =>
      (endpointId === undefined || job.replay?.endpoint_id === endpointId) &&
      (isOpen(job) || (job.ended_at !== null && Date.parse(job.ended_at) > sinceMs)),
  );
  const openCount = jobs.filter(isOpen).length;
  const before = useRef(openCount);
  useEffect(() => {
    if (openCount < before.current) {
      void client.invalidateQueries({ queryKey: ['/v1/deliveries'] });
      ended();
    }
    before.current = openCount;
  }, [openCount, client, ended]);
  if (jobs.length === 0) return null;
  return (
    <Card className="mb-6">
      <ul aria-live="polite">
        {jobs.map((job) => (
          <JobRow key={job.id} job={job} />
        ))}
      </ul>
    </Card>
  );
}
