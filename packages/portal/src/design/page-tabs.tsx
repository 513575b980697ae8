import { Link, type LinkProps } from '@tanstack/react-router';

/** The way from one page to those that belong with it. */
export function PageTabs({
  label,
  tabs,
}: {
  label: string;
  tabs: readonly (readonly [to: NonNullable<LinkProps['to']>, name: string])[];
}) {
  return (
    <nav aria-label={label} className="mb-6 flex flex-wrap gap-1 border-b border-line">
      {tabs.map(([to, name]) => (
        <Link
          key={to}
          to={to}
          activeOptions={{ exact: true, includeSearch: false }}
          className="-mb-px border-b-2 border-transparent px-3 py-2 text-muted no-underline hover:text-ink aria-[current=page]:border-accent aria-[current=page]:font-medium aria-[current=page]:text-ink"
        >
          {name}
        </Link>
      ))}
    </nav>
  );
}
