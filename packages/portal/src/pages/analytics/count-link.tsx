import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { RECIPIENT_STATES, type StatsWindow } from '../../api/objects.ts';
import { toOwnPeriod } from '../../api/period.ts';
import { type Dimension, narrowedTo, type StatsFilters } from './stats-filters.ts';

/** What is counted, by the last word of its event type. */
export type Metric =
  | 'delivered'
  | 'deferred'
  | 'bounced'
  | 'rejected'
  | 'failed'
  | 'complained'
  | 'opened'
  | 'clicked'
  | 'unsubscribed';

/**
 * A number that leads to what it counts: the events of its type and time, of a tag the messages. Lists have no
 * filter for streams, domains and providers: such a number stands for itself.
 */
export function CountLink({
  metric,
  filters,
  narrowed = narrowedTo(filters),
  time,
  children,
}: {
  metric: Metric;
  filters: StatsFilters;
  /** Instead of what the filters say: of a row of a table. */
  narrowed?: { dimension: Dimension | 'stream'; value: string } | null;
  time: StatsWindow;
  children: ReactNode;
}) {
  const className = 'no-underline hover:underline';
  const period = toOwnPeriod(time.from, time.to);
  if (filters.stream !== undefined) return children;
  if (narrowed === null) {
    return (
      <Link to="/events" search={{ type: `email.${metric}`, ...period }} className={className}>
        {children}
      </Link>
    );
  }
  if (narrowed.dimension !== 'tag') return children;
  const state = RECIPIENT_STATES.find((one) => one === metric);
  const search = { tag: narrowed.value, ...(state === undefined ? {} : { state }), ...period };
  return (
    <Link to="/messages" search={search} className={className}>
      {children}
    </Link>
  );
}
