import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/client.ts';
import type { Job } from '../../api/objects.ts';
import { Question } from '../../design/question.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';

/** Asks before deliveries of an endpoint are made again, with how many they are; then it is a job. */
export function ReplayQuestion({
  endpointId,
  only = {},
  close,
}: {
  endpointId: string;
  /** Which of those that were given up or skipped; all of them without it. */
  only?: { states?: readonly string[]; error_code?: string };
  close: () => void;
}) {
  const { words, language } = useLanguage();
  const client = useQueryClient();
  const path = `/v1/endpoints/${encodeURIComponent(endpointId)}/replay`;
  const preview = useQuery({
    queryKey: [path, 'dry run', only],
    queryFn: () =>
      call<{ deliveries: number; missing: number }>(path, {
        method: 'POST',
        body: { ...only, dry_run: true },
      }),
    gcTime: 0,
    retry: false,
  });
  const replay = useMutation({
    mutationFn: () => call<Job>(path, { method: 'POST', body: only }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: ['/v1/jobs'] });
      close();
    },
  });
  const count = preview.data === undefined ? null : preview.data.deliveries + preview.data.missing;
  const shown = formatCount(count ?? 0, language);
  return (
    <Question
      title={words.endpoint.replayTitle}
      effect={
        preview.isPending
          ? words.common.loading
          : preview.isError
            ? ''
            : words.endpoint.replayEffect(shown)
      }
      action={count === null || count === 0 ? null : words.endpoint.replayStart(shown)}
      isBusy={replay.isPending}
      error={replay.error ?? preview.error}
      confirm={() => replay.mutate()}
      close={close}
    />
  );
}
