import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { call } from '../../api/client.ts';
import type { DeliveryDetail } from '../../api/objects.ts';
import { toProblem } from '../../api/problem.ts';
import { deliveryQuery } from '../../api/queries.ts';
import { Button } from '../../design/button.tsx';
import { Icon } from '../../design/icon.tsx';
import type { Words } from '../../words/en.ts';
import { formatSpan } from '../../words/format.ts';
import { useWords } from '../../words/words.tsx';

const LOOK_AGAIN_MS = 500;

/** Sends a test event to an endpoint and shows what it answered. */
export function SendTest({ endpointId, type }: { endpointId: string; type?: string }) {
  const { newEndpoint } = useWords();
  const send = useMutation({
    mutationFn: () =>
      call<{ delivery_id: string }>(`/v1/endpoints/${encodeURIComponent(endpointId)}/test`, {
        method: 'POST',
        body: type === undefined ? {} : { type },
      }),
  });
  return (
    <div className="flex flex-wrap items-center gap-3">
      <Button isBusy={send.isPending} onClick={() => send.mutate()}>
        <Icon name="send" />
        {newEndpoint.test}
      </Button>
      <div role="status" className="min-w-0">
        {send.isError && <span className="text-bad">{toProblem(send.error).message}</span>}
        {send.data !== undefined && (
          <TestAnswer key={send.data.delivery_id} id={send.data.delivery_id} />
        )}
      </div>
    </div>
  );
}

function TestAnswer({ id }: { id: string }) {
  const words = useWords();
  const { data } = useQuery({
    ...deliveryQuery(id),
    refetchInterval: ({ state }) => (state.data?.attempts.length ? false : LOOK_AGAIN_MS),
  });
  const attempt = data?.attempts.at(-1);
  if (data === undefined || attempt === undefined) {
    return <span className="text-muted">{words.newEndpoint.testing}</span>;
  }
  const isGood = attempt.outcome === 'succeeded';
  return (
    <Link
      to="/deliveries/$id"
      params={{ id }}
      className={`inline-flex items-start gap-1.5 ${isGood ? 'text-good' : 'text-bad'}`}
    >
      <Icon name={isGood ? 'check' : 'cross'} className="mt-0.5" />
      <span>{explainAnswer(attempt, words)}</span>
    </Link>
  );
}

function explainAnswer(
  { outcome, status, error_detail, latency_ms }: DeliveryDetail['attempts'][number],
  words: Words,
): string {
  const { testGood, testBad, hint401, hint404 } = words.newEndpoint;
  if (outcome === 'succeeded') return testGood(String(status), formatSpan(latency_ms, words));
  const hint = status === 401 ? hint401 : status === 404 ? hint404 : '';
  return `${testBad(error_detail ?? String(status))} ${hint}`.trim();
}
