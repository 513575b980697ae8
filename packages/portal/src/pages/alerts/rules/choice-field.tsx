import { useId } from 'react';
import { useFieldProblem } from '../../../design/forms/form.tsx';

/**
 * One of a list that may come after the form. What was chosen before stays in it, also when there is no such thing
 * any more.
 */
export function ChoiceField({
  label,
  name,
  kept,
  options,
  isBare = false,
}: {
  label: string;
  name: string;
  kept: string;
  options: readonly (readonly [value: string, name: string])[];
  /** The label is for those who do not see what stands before it. */
  isBare?: boolean;
}) {
  const id = useId();
  const { said } = useFieldProblem(name);
  const isThere = options.some(([value]) => value === kept);
  return (
    <div className="min-w-0">
      <label htmlFor={id} className={isBare ? 'sr-only' : 'mb-1 block font-medium'}>
        {label}
      </label>
      <select
        id={id}
        name={name}
        // Options that come later would not move what is chosen.
        key={isThere ? 'there' : 'kept'}
        defaultValue={kept}
        aria-invalid={said !== null}
        aria-describedby={`${id}-note`}
        className="h-8 w-full rounded-md border border-line-strong bg-surface px-2.5 text-ink aria-invalid:border-bad"
      >
        {!isThere && <option value={kept}>{kept}</option>}
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      <p id={`${id}-note`} className="mt-1 text-[13px] text-bad">
        {said}
      </p>
    </div>
  );
}
