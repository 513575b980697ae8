import type { Period, PeriodFilters } from '../../api/period.ts';
import { useWords } from '../../words/words.tsx';
import { FilterField, SelectField } from './field.tsx';

/** Which time a page shows: one that ends now, or one between two times. */
export function PeriodFields({
  filters: { period, since, until },
  periods,
  usual,
  change,
}: {
  filters: PeriodFilters;
  periods: readonly Period[];
  /** Without one: any time. */
  usual?: Period;
  /** An empty text: it is left out. */
  change: (name: keyof PeriodFilters, value: string) => void;
}) {
  const { time } = useWords();
  const options: [string, string][] = [
    ...(usual === undefined ? ([['', time.periods.all]] as [string, string][]) : []),
    ...periods.map((one): [string, string] => [one, time.periods[one]]),
    ['own', time.periods.own],
  ];
  const own = { since, until };
  return (
    <>
      <SelectField
        label={time.period}
        value={period ?? usual ?? ''}
        options={options}
        onChange={({ target }) => change('period', target.value === usual ? '' : target.value)}
        className="!w-auto"
      />
      {period === 'own' &&
        (['since', 'until'] as const).map((name) => (
          <FilterField
            key={name}
            type="datetime-local"
            label={time[name]}
            title={time[name]}
            value={own[name] ?? ''}
            onChange={(event) => change(name, event.target.value)}
            className="!w-auto"
          />
        ))}
    </>
  );
}
