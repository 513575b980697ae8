import { type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, useId } from 'react';

const INPUT =
  'h-8 w-full rounded-md border border-line-strong bg-surface px-2.5 text-ink placeholder:text-muted aria-invalid:border-bad';

/** A label, its input, and below it what the server or the form says of it. */
export function TextField({
  label,
  problem,
  help,
  className = '',
  ...rest
}: InputHTMLAttributes<HTMLInputElement> & {
  label: string;
  problem?: string | null;
  help?: ReactNode;
}) {
  const id = useId();
  const hasProblem = problem !== null && problem !== undefined;
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block font-medium">
        {label}
      </label>
      <input
        id={id}
        className={INPUT}
        aria-invalid={hasProblem}
        aria-describedby={hasProblem || help !== undefined ? `${id}-note` : undefined}
        {...rest}
      />
      <p id={`${id}-note`} className={`mt-1 text-[13px] ${hasProblem ? 'text-bad' : 'text-muted'}`}>
        {hasProblem ? problem : help}
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
