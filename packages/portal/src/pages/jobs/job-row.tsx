import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/client.ts';
import type { Job } from '../../api/objects.ts';
import { useIsCustomer, useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Time } from '../../design/time.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';

export const isOpen = ({ state }: Job): boolean =>
  state === 'queued' || state === 'running' || state === 'paused';

/** How far a job is, and what can be done with it. */
export function JobRow({ job }: { job: Job }) {
  const { words, language } = useLanguage();
  const client = useQueryClient();
  const mayManage = useMayManage();
  const isCustomer = useIsCustomer();
  const act = useMutation({
    mutationFn: (action: 'pause' | 'resume' | 'cancel') =>
      call(`/v1/jobs/${encodeURIComponent(job.id)}/${action}`, { method: 'POST' }),
    onSettled: () => client.invalidateQueries({ queryKey: ['/v1/jobs'] }),
  });
  const { done, total } = job.progress;
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line p-3 last:border-0">
      <span className="w-32 font-medium">{job.kind.replaceAll('_', ' ')}</span>
      <span className="w-24 text-muted">{words.jobs.states[job.state]}</span>
      <span className="flex min-w-48 flex-1 items-center gap-3">
        <progress
          aria-label={job.kind}
          max={total ?? 1}
          value={total === null ? (isOpen(job) ? undefined : 1) : done}
          className="h-2 flex-1 accent-accent"
        />
        <span className="text-muted">
          {words.jobs.progress(
            formatCount(done, language),
            total === null ? '…' : formatCount(total, language),
          )}
        </span>
      </span>
      <Time at={job.created_at} />
      {job.error !== null && <p className="w-full text-bad">{job.error}</p>}
      {mayManage && !isCustomer && isOpen(job) && (
        <span className="flex gap-2">
          <Button onClick={() => act.mutate(job.state === 'paused' ? 'resume' : 'pause')}>
            {job.state === 'paused' ? words.jobs.resume : words.jobs.pause}
          </Button>
          <Button kind="danger" onClick={() => act.mutate('cancel')}>
            {words.jobs.cancel}
          </Button>
        </span>
      )}
    </li>
  );
}
