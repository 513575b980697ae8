import { type ReactNode, useId } from 'react';

/** Views of one thing: the arrows go from one to the next, as the pattern for tabs of ARIA has it. */
export function Tabs<K extends string>({
  label,
  tabs,
  current,
  choose,
  children,
}: {
  label: string;
  tabs: readonly (readonly [key: K, name: string])[];
  current: K;
  choose: (key: K) => void;
  /** What the current one shows. */
  children: ReactNode;
}) {
  const id = useId();
  function onKeyDown(event: React.KeyboardEvent<HTMLDivElement>): void {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const at = tabs.findIndex(([key]) => key === current);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (next === undefined) return;
    choose(next[0]);
    event.currentTarget.querySelector<HTMLElement>(`[data-tab="${next[0]}"]`)?.focus();
  }
  return (
    <div>
      <div
        role="tablist"
        aria-label={label}
        onKeyDown={onKeyDown}
        className="mb-3 flex flex-wrap gap-1 border-b border-line"
      >
        {tabs.map(([key, name]) => (
          <button
            key={key}
            type="button"
            role="tab"
            id={`${id}-${key}`}
            data-tab={key}
            aria-selected={key === current}
            aria-controls={`${id}-panel`}
            tabIndex={key === current ? 0 : -1}
            onClick={() => choose(key)}
            className="-mb-px border-b-2 border-transparent px-3 py-2 text-muted hover:text-ink aria-selected:border-accent aria-selected:font-medium aria-selected:text-ink"
          >
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${current}`}>
        {children}
      </div>
    </div>
  );
}
