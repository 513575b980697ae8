import type { ButtonHTMLAttributes } from 'react';

type Kind = 'primary' | 'plain' | 'quiet' | 'danger';

const LOOKS: Record<Kind, string> = {
  primary: 'bg-accent text-on-accent border-accent hover:brightness-110',
  plain: 'bg-surface text-ink border-line-strong hover:bg-sunken',
  quiet: 'bg-transparent text-ink border-transparent hover:bg-sunken',
  danger: 'bg-surface text-bad border-bad hover:bg-bad-soft',
};

/** The classes of a button, for links that look like one. */
export function buttonClass(kind: Kind = 'plain'): string {
  return `inline-flex h-8 items-center gap-2 rounded-md border px-3 font-medium whitespace-nowrap no-underline disabled:opacity-60 ${LOOKS[kind]}`;
}

export function Button({
  kind = 'plain',
  isBusy = false,
  className = '',
  disabled,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & { kind?: Kind; isBusy?: boolean }) {
  return (
    <button
      type="button"
      aria-busy={isBusy}
      disabled={disabled === true || isBusy}
      className={`${buttonClass(kind)} ${className}`}
      {...rest}
    />
  );
}
