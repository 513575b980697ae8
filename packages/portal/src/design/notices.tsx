import type { ReactNode } from 'react';
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
  const { status, code, message, requestId } = toProblem(error);
  const [title, help] =
    code === 'offline'
      ? [problem.offline, problem.offlineHelp]
      : status === 404
        ? [problem.notFound, problem.notFoundHelp]
        : [problem.generic, message];
  const Heading = isPage ? 'h1' : 'h2';
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
