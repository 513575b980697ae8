import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import {
  type AlertRule,
  type AlertRuleType,
  type AlertScope,
  STREAMS,
} from '../../../api/objects.ts';
import { domainsQuery, endpointsQuery, sinksQuery, sourcesQuery } from '../../../api/queries.ts';
import { DurationField } from '../../../design/forms/duration-field.tsx';
import { TextField } from '../../../design/forms/field.tsx';
import { useWords } from '../../../words/words.tsx';
import { ChoiceField } from './choice-field.tsx';

interface FieldsProps {
  type: AlertRuleType;
  /** The rule as it is; null for a new one. */
  kept: AlertRule | null;
}

/** When it fires, and when it is over. */
export function ConditionFields({ type, kept }: FieldsProps) {
  const { alerts } = useWords();
  const { form } = alerts;
  const { threshold, window_seconds, min_volume } = type;
  return (
    <div className="grid items-start gap-x-4 gap-y-3 sm:grid-cols-2">
      <Amount
        label={form.threshold}
        name="threshold"
        unit={type.unit}
        kept={kept === null ? threshold.default : kept.threshold}
        required={!threshold.optional}
        help={threshold.optional ? form.thresholdUsual : undefined}
      />
      {window_seconds !== null && (
        <DurationField
          label={form.window}
          name="window_seconds"
          kept={kept?.window_seconds ?? window_seconds.default}
          required
        />
      )}
      {min_volume !== null && (
        <TextField
          label={form.minVolume}
          name="min_volume"
          type="number"
          min={min_volume.min}
          required
          defaultValue={kept?.min_volume ?? min_volume.default}
          help={form.minVolumeHelp}
        />
      )}
      <Amount
        label={form.resolveBelow}
        name="resolve_below"
        unit={type.unit}
        kept={kept?.resolve_below ?? null}
        help={kept === null ? form.resolveUsual : form.resolveBelowHelp}
      />
      <DurationField
        label={form.resolveAfter}
        name="resolve_after_seconds"
        kept={kept?.resolve_after_seconds ?? type.resolve_after_seconds}
      />
    </div>
  );
}

/** A threshold in the unit of its type: a share is entered as a percentage. */
function Amount({
  label,
  name,
  unit,
  kept,
  help,
  required = false,
}: {
  label: string;
  name: string;
  unit: AlertRuleType['unit'];
  kept: number | null;
  help?: ReactNode;
  required?: boolean;
}) {
  if (unit === 'seconds') {
    return <DurationField label={label} name={name} kept={kept} required={required} help={help} />;
  }
  const shown = unit === 'share' && kept !== null ? Number((kept * 100).toPrecision(9)) : kept;
  return (
    <TextField
      label={unit === 'share' ? `${label} (%)` : label}
      name={name}
      type="number"
      step={unit === 'share' ? 'any' : 1}
      min={0}
      required={required}
      defaultValue={shown ?? ''}
      help={help}
    />
  );
}

/** What it is narrowed to; empty: everything. */
export function ScopeFields({ type, kept }: FieldsProps) {
  const { alerts, analytics } = useWords();
  const asks = (name: AlertScope) => ({ enabled: type.scope.includes(name) });
  const endpoints = useInfiniteQuery({ ...endpointsQuery(), ...asks('endpoint') }).data;
  const sources = useInfiniteQuery({ ...sourcesQuery(), ...asks('source') }).data;
  const sinks = useInfiniteQuery({ ...sinksQuery(), ...asks('sink') }).data;
  const domains = useInfiniteQuery({ ...domainsQuery(), ...asks('domain') }).data;
  if (type.scope.length === 0) return null;

  const choices: Partial<Record<AlertScope, readonly (readonly [string, string])[]>> = {
    stream: STREAMS.map((one) => [one, one]),
    endpoint: listOf(endpoints).map(({ id, url }) => [id, url]),
    source: listOf(sources).map(({ id, name }) => [id, name]),
    sink: listOf(sinks).map(({ id, name }) => [id, name]),
    domain: listOf(domains).map(({ id, name }) => [id, name]),
  };
  const names = { ...analytics.groupings, ...alerts.form.scopes };
  return (
    <fieldset>
      <legend className="mb-2 font-medium">{alerts.form.scope}</legend>
      <div className="grid items-start gap-x-4 gap-y-3 sm:grid-cols-2">
        {type.scope.map((name) => {
          const options = choices[name];
          const value = kept?.scope[name] ?? '';
          return options === undefined ? (
            <TextField
              key={name}
              label={names[name]}
              name={`scope/${name}`}
              autoComplete="off"
              spellCheck={false}
              maxLength={300}
              defaultValue={value}
            />
          ) : (
            <ChoiceField
              key={name}
              label={names[name]}
              name={`scope/${name}`}
              kept={value}
              options={[['', alerts.form.every], ...options]}
            />
          );
        })}
      </div>
    </fieldset>
  );
}

/** What is there of a list that is read page by page. */
function listOf<T>(pages: { pages: { data: T[] }[] } | undefined): T[] {
  return pages?.pages.flatMap(({ data }) => data) ?? [];
}
