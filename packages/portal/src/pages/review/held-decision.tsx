import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import { Button } from '../../design/button.tsx';
import { Question } from '../../design/question.tsx';
import { useWords } from '../../words/words.tsx';

type Deed = 'release' | 'drop';

/** One request decides on so many. */
const AT_ONCE = 100;

interface Decided {
  id: string;
  outcome: 'released' | 'dropped' | 'not_held' | 'refused';
  detail: string | null;
}

async function decide(deed: Deed, ids: readonly string[]): Promise<Decided[]> {
  const decided: Decided[] = [];
  for (let i = 0; i < ids.length; i += AT_ONCE) {
    const body = { ids: ids.slice(i, i + AT_ONCE) };
    const path = `/v1/messages/${deed}`;
    decided.push(...(await call<{ data: Decided[] }>(path, { method: 'POST', body })).data);
  }
  return decided;
}

/** Lets held messages go or drops them. What did not come to pass stays on the screen, with the reason. */
export function HeldDecision({
  ids,
  decided = () => {},
}: {
  ids: readonly string[];
  /** Called when there is an answer for each. */
  decided?: () => void;
}) {
  const { review } = useWords();
  // What the question is about stays, also when the list beside it changes.
  const [open, setOpen] = useState<{ deed: Deed; ids: readonly string[] } | null>(null);
  return (
    <>
      {(['release', 'drop'] as const).map((deed) => (
        <Button
          key={deed}
          kind={deed === 'release' ? 'primary' : 'danger'}
          disabled={ids.length === 0}
          onClick={() => setOpen({ deed, ids })}
        >
          {review[deed]}
        </Button>
      ))}
      {open !== null && <Decision {...open} decided={decided} close={() => setOpen(null)} />}
    </>
  );
}

function Decision({
  deed,
  ids,
  decided,
  close,
}: {
  deed: Deed;
  ids: readonly string[];
  decided: () => void;
  close: () => void;
}) {
  const { review } = useWords();
  const client = useQueryClient();
  const work = useMutation({
    mutationFn: () => decide(deed, ids),
    onSuccess(answers) {
      if (answers.every(isDone)) finish();
    },
  });
  // The page below is read again once the question is gone: it may be about what it shows.
  function finish(): void {
    close();
    decided();
    void client.invalidateQueries({
      predicate: ({ queryKey }) => String(queryKey[0]).startsWith('/v1/messages'),
    });
  }
  const left = work.data?.filter((one) => !isDone(one)) ?? [];
  const isOver = work.data !== undefined;
  return (
    <Question
      title={review[`${deed}Title`](ids.length)}
      effect={isOver ? <Left decided={left} /> : review[`${deed}Effect`]}
      action={isOver ? null : review[deed]}
      kind={deed === 'drop' ? 'danger' : 'primary'}
      isBusy={work.isPending}
      error={work.error}
      confirm={() => work.mutate()}
      close={isOver || work.isError ? finish : close}
    />
  );
}

const isDone = ({ outcome }: Decided): boolean => outcome === 'released' || outcome === 'dropped';

function Left({ decided }: { decided: readonly Decided[] }) {
  const { review } = useWords();
  const reasons = new Set(decided.map(({ detail }) => detail ?? review.notHeld));
  return (
    <div role="alert">
      <p>{review.refused(decided.length)}</p>
      <ul className="mt-1 list-disc pl-5 text-bad">
        {[...reasons].map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
    </div>
  );
}
