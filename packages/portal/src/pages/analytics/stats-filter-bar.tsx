import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useId, useRef, useState } from 'react';
import { statsQuery } from '../../api/queries.ts';
import { Button } from '../../design/button.tsx';
import { FilterField, SelectField } from '../../design/forms/field.tsx';
import { PeriodFields } from '../../design/forms/period-fields.tsx';
import { useSettled } from '../../design/forms/use-settled.ts';
import { useWords } from '../../words/words.tsx';
import {
  DIMENSIONS,
  type Dimension,
  type Grouping,
  narrowedTo,
  type StatsFilters,
  timeOf,
  USUAL_PERIOD,
} from './stats-filters.ts';

const route = getRouteApi('/analytics');

/** Which time, which mail, and whether the time before stands beside it. */
export function StatsFilterBar({ filters }: { filters: StatsFilters }) {
  const { analytics, common } = useWords();
  const navigate = route.useNavigate();
  const streams = useKnown('stream', filters);

  function change(name: keyof StatsFilters, value: string): void {
    void navigate({
      replace: true,
      search: ({ [name]: _, ...rest }) => (value === '' ? rest : { ...rest, [name]: value }),
    });
  }

  const known = new Set([...streams, ...(filters.stream === undefined ? [] : [filters.stream])]);
  return (
    <search className="mb-5 flex flex-wrap items-center gap-2">
      <PeriodFields
        filters={filters}
        periods={['hour', 'day', 'week', 'month', 'quarter', 'year']}
        usual={USUAL_PERIOD}
        change={change}
      />
      <SelectField
        label={analytics.groupings.stream}
        value={filters.stream ?? ''}
        options={[
          ['', analytics.anyStream],
          ...[...known].map((one): [string, string] => [one, one]),
        ]}
        onChange={({ target }) => change('stream', target.value)}
        className="!w-auto"
      />
      <Narrow filters={filters} />
      <label className="flex items-center gap-2">
        <input
          type="checkbox"
          checked={filters.compare !== 'none'}
          onChange={({ target }) => change('compare', target.checked ? '' : 'none')}
          className="accent-accent"
        />
        {analytics.compare}
      </label>
      {Object.keys(filters).length > 0 && (
        <Button kind="quiet" onClick={() => void navigate({ search: {} })}>
          {common.clear}
        </Button>
      )}
    </search>
  );
}

/** To one tag, domain or provider: sums are kept for each of them alone. */
function Narrow({ filters }: { filters: StatsFilters }) {
  const { analytics } = useWords();
  const navigate = route.useNavigate();
  const narrowed = narrowedTo(filters);
  const [chosen, setChosen] = useState<Dimension | null>(null);
  const dimension = narrowed?.dimension ?? chosen;

  function narrow(next: Dimension | null, value: string): void {
    void navigate({
      replace: true,
      search: ({ tag: _t, sending_domain: _s, receiving_domain: _r, provider: _p, ...rest }) =>
        next === null || value === '' ? rest : { ...rest, [next]: value },
    });
  }

  return (
    <>
      <SelectField
        label={analytics.only}
        value={dimension ?? ''}
        options={[
          ['', analytics.everything],
          ...DIMENSIONS.map((one): [string, string] => [one, analytics.groupings[one]]),
        ]}
        onChange={({ target }) => {
          setChosen(DIMENSIONS.find((one) => one === target.value) ?? null);
          narrow(null, '');
        }}
        className="!w-auto"
      />
      {dimension !== null && (
        <ValueField
          key={dimension}
          dimension={dimension}
          filters={filters}
          value={narrowed?.value ?? ''}
          change={(value) => {
            setChosen(dimension);
            narrow(dimension, value);
          }}
        />
      )}
    </>
  );
}

function ValueField({
  dimension,
  filters,
  value,
  change,
}: {
  dimension: Dimension;
  filters: StatsFilters;
  value: string;
  change: (value: string) => void;
}) {
  const { analytics } = useWords();
  const listId = useId();
  const [typed, setTyped] = useState(value);
  const settled = useSettled(typed.trim());
  const known = useKnown(dimension, filters);
  const told = useRef(value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was typed is told once it rests, and no oftener.
  useEffect(() => {
    if (settled === told.current) return;
    told.current = settled;
    change(settled);
  }, [settled]);
  useEffect(() => {
    if (value === told.current) return;
    told.current = value;
    setTyped(value);
  }, [value]);
  return (
    <>
      <FilterField
        label={analytics.groupings[dimension]}
        placeholder={analytics.groupings[dimension]}
        list={listId}
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
        className="!w-52"
      />
      <datalist id={listId}>
        {known.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
    </>
  );
}

const MOST_KNOWN = 100;

/** The values that were counted in this time, the largest first. */
function useKnown(grouping: Grouping, filters: StatsFilters): string[] {
  const { period, since, until } = filters;
  const key = { period, since, until, known: grouping };
  const { data } = useQuery(
    statsQuery(key, (nowMs) => ({
      ...timeOf(filters, nowMs),
      group_by: grouping,
      limit: MOST_KNOWN,
    })),
  );
  return data?.groups?.map(({ value }) => value) ?? [];
}
