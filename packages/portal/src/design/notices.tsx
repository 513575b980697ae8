import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { toProblem } from '../api/problem.ts';
import { useWords } from '../words/words.tsx';
import { Button } from './button.tsx';
import { CodeBlock } from './copy.tsx';

/** What belongs here, and how the first one comes. */
export function Empty({
  title,
  help,
  command,
  isPage = false,
  children,
}: {
  title: string;
  help: string;
  command?: string;
  /** It stands in the place of a whole page, so its title is the page's. */
  isPage?: boolean;
  children?: ReactNode;
}) {
  const Heading = isPage ? 'h1' : 'h2';
  return (
    <div className="mx-auto max-w-xl px-4 py-12">
      <Heading className="text-[17px] font-semibold">{title}</Heading>
      <p className="mt-1 mb-4 text-muted">{help}</p>
      {command !== undefined && <CodeBlock text={command} label={title} />}
      {children}
    </div>
  );
}

/** How often a page that the server did not answer asks again, ms. */
const TRY_AGAIN_MS = 3_000;

/** What happened, what it means, what to do; the technical part unfolds. */
export function ProblemNotice({
  error,
  retry,
  isPage = false,
}: {
  error: unknown;
  retry?: () => void;
  /** It stands in the place of a whole page, so its title is the page's. */
  isPage?: boolean;
}) {
  const { problem, common } = useWords();
  const { status, code, message, requestId, fields } = toProblem(error);
  const isOffline = code === 'offline';
  const [title, help] = isOffline
    ? [problem.offline, problem.offlineHelp]
    : status === 404
      ? [problem.notFound, problem.notFoundHelp]
      : status === 422
        ? [problem.refused, fields[0]?.detail ?? message]
        : [problem.generic, message];
  const Heading = isPage ? 'h1' : 'h2';
  useEffect(() => {
    if (!isOffline || retry === undefined) return;
    const timer = setInterval(retry, TRY_AGAIN_MS);
    return () => clearInterval(timer);
  }, [isOffline, retry]);
  return (
    <div role="alert" className="mx-auto max-w-xl px-4 py-12">
      <Heading className="text-[17px] font-semibold">{title}</Heading>
      <p className="mt-1 mb-4 text-muted">{help}</p>
      {retry !== undefined && <Button onClick={retry}>{common.retry}</Button>}
      <details className="mt-4 text-muted">
        <summary>{common.technical}</summary>
        <p className="mt-2 font-mono text-[13px] break-words">
          {code} {status > 0 && status} {message}{' '}
          {requestId !== null && `${problem.request} ${requestId}`}
        </p>
      </details>
    </div>
  );
}

/** A part of what is shown did not come: the rest stays. */
export function PartNotice({
  lead,
  error,
  retry,
}: {
  /** What that means for what is seen. */
  lead: string;
  error: unknown;
  retry: () => void;
}) {
  const { common } = useWords();
  return (
    <div
      role="alert"
      className="my-2 flex flex-wrap items-center gap-3 rounded-md bg-warn-soft p-2.5 text-warn"
    >
      <span>
        {lead} {toProblem(error).message}
      </span>
      <Button onClick={retry}>{common.retry}</Button>
    </div>
  );
}

/** How long an answer may take before the page says that it is slow, ms. */
const SLOW_MS = 4_000;

/** On its way; after a while it says that the server is slow. */
export function Waiting({ rows }: { rows?: number }) {
  const { problem } = useWords();
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), SLOW_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <>
      <Skeleton {...(rows === undefined ? {} : { rows })} />
      {isSlow && (
        <p role="status" className="px-3 text-muted">
          {problem.slow}
        </p>
      )}
    </>
  );
}

/**
 * Whether the object of a page is there to be shown. It stays in sight while the server cannot be reached (the
 * frame says so then), and goes once the server says that there is no such thing.
 */
export function isLoaded<T>(query: UseQueryResult<T>): query is UseQueryResult<T> & { data: T } {
  const isGone = query.error !== null && toProblem(query.error).status === 404;
  return query.data !== undefined && !isGone;
}

/** In the place of a page whose object is not there: it is on its way, or why it does not come. */
export function NotLoaded({ query }: { query: Pick<UseQueryResult, 'error' | 'refetch'> }) {
  const { error, refetch } = query;
  if (error === null) return <Waiting />;
  return <ProblemNotice isPage error={error} retry={() => void refetch()} />;
}

/** Grey bars in the place of rows that are on their way. */
export function Skeleton({ rows = 6 }: { rows?: number }) {
  const { common } = useWords();
  return (
    <div role="status" className="p-3">
      <span className="sr-only">{common.loading}</span>
      {Array.from({ length: rows }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike and never move.
        <div key={i} className="my-2 h-5 rounded-md bg-sunken" />
      ))}
    </div>
  );
}
