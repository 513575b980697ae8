import { type ReactNode, type TextareaHTMLAttributes, useId, useState } from 'react';
import type { Problem } from '../../api/problem.ts';
import { useWords } from '../../words/words.tsx';
import { useFieldProblem } from './form.tsx';

/** A label and a field of several lines, such as a key or JSON; what is wrong with it stands below. */
export function LinesField({
  label,
  help,
  className = '',
  ...rest
}: TextareaHTMLAttributes<HTMLTextAreaElement> & { label: string; help?: ReactNode }) {
  const { invalid } = useWords();
  const id = useId();
  const { problem, said } = useFieldProblem(rest.name);
  const [answered, setAnswered] = useState<Problem | null>(null);
  const [isMissing, setMissing] = useState(false);
  const wrong = isMissing ? invalid.missing : problem === answered ? null : said;
  return (
    <div>
      <label htmlFor={id} className="mb-1 block font-medium">
        {label}
      </label>
      <textarea
        id={id}
        autoComplete="off"
        spellCheck={false}
        {...rest}
        onInvalid={() => setMissing(true)}
        onInput={() => {
          setMissing(false);
          setAnswered(problem);
        }}
        aria-invalid={wrong !== null}
        aria-describedby={`${id}-note`}
        className={`w-full rounded-md border border-line-strong bg-surface p-2.5 font-mono text-[13px] text-ink placeholder:text-muted aria-invalid:border-bad ${className}`}
      />
      <p id={`${id}-note`} className={`text-[13px] ${wrong === null ? 'text-muted' : 'text-bad'}`}>
        {wrong ?? help}
      </p>
    </div>
  );
}
