import { useQuery } from '@tanstack/react-query';
import type { MessageDetail, Transcript } from '../../api/objects.ts';
import { transcriptsQuery } from '../../api/queries.ts';
import { CodeBlock } from '../../design/copy.tsx';
import { ProblemNotice, Waiting } from '../../design/notices.tsx';
import { Section } from '../../design/page.tsx';
import { Time } from '../../design/time.tsx';
import { formatSpan } from '../../words/format.ts';
import { useWords } from '../../words/words.tsx';

const MARKS = { client: '→', server: '←', note: '·' } as const;

/** While a message is on its way, more attempts come, ms. */
const LOOK_AGAIN_MS = 5_000;

/** What was said to the mail servers: by recipient, an attempt each. */
export function Transcripts({ message }: { message: MessageDetail }) {
  const words = useWords();
  const isUnderWay = message.recipients.some(({ next_attempt_at }) => next_attempt_at !== null);
  const query = useQuery({
    ...transcriptsQuery(message.id),
    refetchInterval: isUnderWay ? LOOK_AGAIN_MS : false,
  });
  const attempts = query.data?.data ?? [];
  return (
    <Section title={words.message.transcripts}>
      {query.data === undefined ? (
        query.isError ? (
          <ProblemNotice error={query.error} retry={() => void query.refetch()} />
        ) : (
          <Waiting rows={2} />
        )
      ) : attempts.length === 0 ? (
        <p className="text-muted">{words.message.noTranscripts}</p>
      ) : (
        <>
          <p className="mb-2 text-muted">{words.message.transcriptsLead}</p>
          {addressesOf(attempts).map((address) => (
            <OfRecipient key={address} address={address} attempts={attempts} />
          ))}
          {query.data.truncated && (
            <p className="text-muted">{words.message.transcriptsTruncated}</p>
          )}
        </>
      )}
    </Section>
  );
}

function addressesOf(attempts: readonly Transcript[]): string[] {
  return [...new Set(attempts.flatMap(({ recipients }) => recipients.map((one) => one.address)))];
}

function OfRecipient({ address, attempts }: { address: string; attempts: readonly Transcript[] }) {
  const words = useWords();
  return (
    <div className="mb-4">
      <h3 className="mb-1 font-mono text-[13px] break-all">{address}</h3>
      {attempts.map((one) => {
        const own = one.recipients.find((recipient) => recipient.address === address);
        if (own === undefined) return null;
        const others = one.recipients.filter((recipient) => recipient !== own);
        return (
          <details key={one.id} className="mb-1 rounded-md border border-line bg-surface">
            <summary className="px-3 py-2">
              {words.message.attemptNumber(own.attempt)} ·{' '}
              {nameOutcome(own.outcome, words.mailStates)} ·{' '}
              <span className="text-muted">
                <Time at={one.started_at} /> · {formatSpan(one.latency_ms, words)}
              </span>
            </summary>
            <div className="px-3 pb-3">
              {others.length > 0 && (
                <p className="mb-2 text-[13px] break-words text-muted">
                  {words.message.alsoTo(others.map((other) => other.address).join(', '))}
                </p>
              )}
              <CodeBlock
                isWrapped
                label={words.message.transcriptOf(address)}
                text={one.transcript.map(toLine).join('\n')}
              />
            </div>
          </details>
        );
      })}
    </div>
  );
}

/** In the words of the recipient's state, beside which it stands. */
function nameOutcome(outcome: string, states: ReturnType<typeof useWords>['mailStates']): string {
  return Object.hasOwn(states, outcome) ? states[outcome as keyof typeof states] : outcome;
}

/** `  41 ms ← 220 mx1.example.com ESMTP`: a line to read, and to send to who runs the other server. */
function toLine({ at_ms, from, text }: Transcript['transcript'][number]): string {
  return `${String(at_ms).padStart(6)} ms ${MARKS[from]} ${text}`;
}
