import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  useId,
  useState,
} from 'react';
import type { Problem } from '../../api/problem.ts';
import type { Words } from '../../words/en.ts';
import { useWords } from '../../words/words.tsx';
import { useFieldProblem } from './form.tsx';

const INPUT =
  'h-8 w-full rounded-md border border-line-strong bg-surface px-2.5 text-ink placeholder:text-muted aria-invalid:border-bad';

/** What the browser finds wrong with what was typed, in the words of the portal; null when nothing is. */
function describeValidity(input: HTMLInputElement, { invalid }: Words): string | null {
  const { validity } = input;
  if (validity.valid) return null;
  if (validity.valueMissing) return invalid.missing;
  if (validity.typeMismatch) return input.type === 'email' ? invalid.email : invalid.url;
  if (validity.tooShort) return invalid.short(input.minLength);
  if (validity.rangeUnderflow) return invalid.least(input.min);
  if (validity.badInput || validity.stepMismatch) return invalid.number;
  return input.validationMessage;
}

/**
 * A label, its input, and below it what is wrong with it: what can be told as one types (once the field was
 * left, or the form sent), and what the server said, until the field is changed.
 */
export function TextField({
  label,
  help,
  className = '',
  ...rest
}: InputHTMLAttributes<HTMLInputElement> & {
  label: string;
  help?: ReactNode;
}) {
  const words = useWords();
  const id = useId();
  const { problem, said } = useFieldProblem(rest.name);
  const [answered, setAnswered] = useState<Problem | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const note = wrong ?? (problem === answered ? null : said);
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block font-medium">
        {label}
      </label>
      <input
        id={id}
        className={INPUT}
        aria-invalid={note !== null}
        aria-describedby={note !== null || help !== undefined ? `${id}-note` : undefined}
        {...rest}
        onInvalid={(event) => setWrong(describeValidity(event.currentTarget, words))}
        onBlur={({ currentTarget }) => {
          if (currentTarget.value !== '') setWrong(describeValidity(currentTarget, words));
        }}
        onInput={({ currentTarget }) => {
          setAnswered(problem);
          if (wrong !== null) setWrong(describeValidity(currentTarget, words));
        }}
      />
      <p
        id={`${id}-note`}
        className={`mt-1 text-[13px] ${note !== null ? 'text-bad' : 'text-muted'}`}
      >
        {note ?? help}
      </p>
    </div>
  );
}

/** A text that filters a list as it is typed; its label is for those who do not see the placeholder. */
export function FilterField({
  label,
  className = '',
  ...rest
}: InputHTMLAttributes<HTMLInputElement> & { label: string }) {
  return <input type="search" aria-label={label} className={`${INPUT} ${className}`} {...rest} />;
}

export function SelectField({
  label,
  options,
  className = '',
  ...rest
}: SelectHTMLAttributes<HTMLSelectElement> & {
  label: string;
  options: readonly (readonly [value: string, name: string])[];
}) {
  return (
    <select aria-label={label} className={`${INPUT} ${className}`} {...rest}>
      {options.map(([value, name]) => (
        <option key={value} value={value}>
          {name}
        </option>
      ))}
    </select>
  );
}
