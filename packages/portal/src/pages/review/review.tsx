import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { HeldMessage } from '../../api/objects.ts';
import { heldMessagesQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Modal } from '../../design/modal.tsx';
import { Empty, ProblemNotice, Waiting } from '../../design/notices.tsx';
import { Card, Facts, Page } from '../../design/page.tsx';
import { Time } from '../../design/time.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';
import { MessagePreview } from '../messages/message-preview.tsx';
import { HeldDecision } from './held-decision.tsx';

/** Somebody else may decide, and more may come, ms. */
const LOOK_AGAIN_MS = 10_000;

/** What waits for a person: looked at, let go or dropped, one by one or many at once. */
export function Review() {
  const { words } = useLanguage();
  const mayManage = useMayManage();
  const query = useInfiniteQuery({ ...heldMessagesQuery(), refetchInterval: LOOK_AGAIN_MS });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [seen, setSeen] = useState<HeldMessage | null>(null);
  const rows = query.data?.pages.flatMap(({ data }) => data) ?? [];
  // Who was decided on elsewhere is not chosen any more.
  const ids = rows.map(({ id }) => id).filter((id) => chosen.has(id));

  function choose(some: readonly string[], isOn: boolean): void {
    const next = new Set(ids);
    for (const id of some) {
      if (isOn) next.add(id);
      else next.delete(id);
    }
    setChosen(next);
  }

  return (
    <Page title={words.review.title} answer={words.review.lead}>
      {query.data === undefined ? (
        query.isError ? (
          <ProblemNotice error={query.error} retry={() => void query.refetch()} />
        ) : (
          <Waiting />
        )
      ) : rows.length === 0 ? (
        <Empty title={words.review.empty} help={words.review.emptyHelp} />
      ) : (
        <>
          {mayManage && (
            <Chosen
              ids={ids}
              isAll={ids.length === rows.length}
              chooseAll={(isOn) =>
                choose(
                  rows.map(({ id }) => id),
                  isOn,
                )
              }
            />
          )}
          <Card>
            <ul>
              {rows.map((message) => (
                <HeldRow
                  key={message.id}
                  message={message}
                  isChosen={chosen.has(message.id)}
                  choose={mayManage ? (isOn) => choose([message.id], isOn) : null}
                  look={() => setSeen(message)}
                />
              ))}
            </ul>
            {query.hasNextPage && (
              <div className="flex justify-center p-2">
                <Button
                  kind="quiet"
                  isBusy={query.isFetchingNextPage}
                  onClick={() => void query.fetchNextPage()}
                >
                  {words.common.more}
                </Button>
              </div>
            )}
          </Card>
        </>
      )}
      {seen !== null && <Look message={seen} close={() => setSeen(null)} />}
    </Page>
  );
}

function Chosen({
  ids,
  isAll,
  chooseAll,
}: {
  ids: readonly string[];
  isAll: boolean;
  chooseAll: (isOn: boolean) => void;
}) {
  const { words, language } = useLanguage();
  return (
    <div className="mb-3 flex flex-wrap items-center gap-3 pl-3">
      <label className="flex items-center gap-2">
        <input
          type="checkbox"
          checked={isAll}
          onChange={(event) => chooseAll(event.target.checked)}
          className="accent-accent"
        />
        {words.review.chooseAll}
      </label>
      <span role="status" className="text-muted">
        {words.review.chosen(formatCount(ids.length, language))}
      </span>
      <HeldDecision ids={ids} />
    </div>
  );
}

function HeldRow({
  message,
  isChosen,
  choose,
  look,
}: {
  message: HeldMessage;
  isChosen: boolean;
  /** Null: who looks may not decide. */
  choose: ((isOn: boolean) => void) | null;
  look: () => void;
}) {
  const { review, messages } = useWords();
  const { from, recipients, held } = message;
  const subject = message.subject ?? messages.noSubject;
  const to = recipients.map(({ address }) => address).join(', ');
  return (
    <li className="flex items-start gap-3 border-b border-line p-3 last:border-0">
      {choose !== null && (
        <input
          type="checkbox"
          aria-label={review.choose(subject)}
          checked={isChosen}
          onChange={(event) => choose(event.target.checked)}
          className="mt-1 accent-accent"
        />
      )}
      <div className="grid grid-cols-1 min-w-0 flex-1 gap-x-6 gap-y-1 sm:grid-cols-[minmax(0,1fr)_16rem]">
        <div className="min-w-0">
          <button
            type="button"
            aria-label={review.look(subject)}
            onClick={look}
            className="max-w-full truncate text-left font-medium hover:underline"
          >
            {subject}
          </button>
          <p className="truncate font-mono text-[13px] text-muted">
            {from} → {to}
          </p>
        </div>
        {held !== null && (
          <p className="text-muted">
            <span className="text-ink">
              {review.reason} <Reason held={held} />
            </span>
            <br />
            {review.expires} <Time at={held.expires_at} />
          </p>
        )}
      </div>
    </li>
  );
}

function Reason({ held: { reason, rule } }: { held: NonNullable<HeldMessage['held']> }) {
  const { review } = useWords();
  return (
    <>
      {review.reasons[reason]}
      {rule !== null && `: ${rule}`}
    </>
  );
}

/** What it says, before it goes: without anything from elsewhere, as on its own page. */
function Look({ message, close }: { message: HeldMessage; close: () => void }) {
  const { review, messages, message: words } = useWords();
  const mayManage = useMayManage();
  const subject = message.subject ?? messages.noSubject;
  return (
    <Modal title={subject} kind="drawer" close={close}>
      {mayManage && (
        <div className="mb-4 flex gap-2">
          <HeldDecision ids={[message.id]} decided={close} />
        </div>
      )}
      <Card className="mb-6">
        <Facts
          facts={[
            [messages.from, message.from],
            [messages.recipient, message.recipients.map(({ address }) => address).join(', ')],
            ...(message.held === null
              ? []
              : ([
                  [review.reason, <Reason key="reason" held={message.held} />],
                  [review.held, <Time key="held" at={message.held.held_at} />],
                  [review.expires, <Time key="expires" at={message.held.expires_at} />],
                ] as const)),
            [
              words.messageId,
              <Link key="id" to="/messages/$id" params={{ id: message.id }}>
                {message.id}
              </Link>,
            ],
          ]}
        />
      </Card>
      <MessagePreview id={message.id} />
    </Modal>
  );
}
