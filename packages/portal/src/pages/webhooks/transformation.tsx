import { useMutation, useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { call } from '../../api/client.ts';
import type { PreviewLine } from '../../api/objects.ts';
import { Button } from '../../design/button.tsx';
import { CodeBlock } from '../../design/copy.tsx';
import { useSettled } from '../../design/forms/use-settled.ts';
import { Section } from '../../design/page.tsx';
import { useWords } from '../../words/words.tsx';

/** How many of the latest events are shown as the endpoint would get them. */
const SHOWN = 5;
const ROWS = 6;

/** The expression that makes what is posted, and what it makes of the latest events as one types. */
export function Transformation({
  path,
  of,
  changed,
}: {
  /** Of the endpoint or sink in the API. */
  path: string;
  of: { transformation: string | null; version: number };
  /** Called when it was saved, and when that went wrong. */
  changed: () => void;
}) {
  const words = useWords();
  const { transformation: say } = words;
  const id = useId();
  const kept = of.transformation ?? '';
  const [text, setText] = useState(kept);
  const wanted = (written: string) => (written.trim() === '' ? null : written);
  const save = useMutation({
    mutationFn: () =>
      call(path, {
        method: 'PATCH',
        body: { transformation: wanted(text) },
        version: of.version,
      }),
    onSettled: changed,
  });
  const settled = useSettled(text);
  const preview = useQuery({
    queryKey: [path, 'preview', settled],
    queryFn: ({ signal }) =>
      call<{ data: PreviewLine[] }>(`${path}/preview`, {
        method: 'POST',
        body: { transformation: wanted(settled), limit: SHOWN },
        signal,
      }),
    gcTime: 0,
    retry: false,
  });
  const error = preview.error ?? save.error;
  return (
    <Section title={say.title}>
      <label htmlFor={id} className="mb-1 block text-muted">
        {say.lead}
      </label>
      <textarea
        id={id}
        rows={ROWS}
        spellCheck={false}
        value={text}
        placeholder='{ "address": data.recipient, "what": type }'
        onChange={(event) => setText(event.target.value)}
        aria-invalid={error !== null}
        aria-describedby={`${id}-note`}
        className="w-full rounded-md border border-line-strong bg-surface p-2.5 font-mono text-[13px] text-ink placeholder:text-muted aria-invalid:border-bad"
      />
      <p id={`${id}-note`} role="status" className="mb-3 text-[13px] text-bad">
        {error === null ? '' : error.message}
      </p>
      <Button
        kind="primary"
        isBusy={save.isPending}
        disabled={text === kept}
        onClick={() => save.mutate()}
      >
        {words.common.save}
      </Button>
      <h3 className="mt-5 mb-2 font-medium">{say.preview}</h3>
      {preview.data?.data.length === 0 && <p className="text-muted">{say.noEvents}</p>}
      <ul className="flex flex-col gap-3">
        {preview.data?.data.map((line) => (
          <li key={line.event_id}>
            <Line line={line} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Line({ line }: { line: PreviewLine }) {
  const { transformation: say } = useWords();
  return (
    <>
      <p className="mb-1 text-[13px] text-muted">
        <code>{line.event_type}</code>
        {line.outcome === 'left_out' && ` · ${say.leftOut}`}
      </p>
      {line.error !== null && <p className="text-bad">{line.error}</p>}
      {line.outcome === 'sent' && (
        <CodeBlock text={JSON.stringify(line.body, null, 2)} label={line.event_type} />
      )}
    </>
  );
}
