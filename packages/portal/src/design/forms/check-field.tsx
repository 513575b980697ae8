import type { InputHTMLAttributes, ReactNode } from 'react';

/** A box to tick, with what it does and what that means. */
export function CheckField({
  label,
  help,
  ...rest
}: InputHTMLAttributes<HTMLInputElement> & { label: ReactNode; help?: ReactNode }) {
  return (
    <label className="flex items-start gap-2 py-0.5">
      <input type="checkbox" className="mt-1 accent-accent" {...rest} />
      <span className="min-w-0 wrap-anywhere">
        {label}
        {help !== undefined && <span className="block text-[13px] text-muted">{help}</span>}
      </span>
    </label>
  );
}
