import type { ReactNode } from 'react';
import { useWords } from '../../words/words.tsx';
import { SelectField, TextField } from './field.tsx';

/** Seconds of each unit, the smallest first. */
const UNITS = { s: 1, min: 60, h: 3_600, d: 86_400 } as const;
type Unit = keyof typeof UNITS;
const NAMES = Object.keys(UNITS) as Unit[];

/** The largest unit in which it is a whole number. */
function unitOf(seconds: number): Unit {
  return NAMES.findLast((unit) => seconds > 0 && seconds % UNITS[unit] === 0) ?? 's';
}

/** A span of time as a number and its unit; `readDuration` reads it. */
export function DurationField({
  label,
  name,
  kept,
  usualUnit = 'min',
  help,
  required = false,
}: {
  label: string;
  name: string;
  /** Seconds. */
  kept: number | null;
  usualUnit?: Unit;
  help?: ReactNode;
  required?: boolean;
}) {
  const { time } = useWords();
  const unit = kept === null ? usualUnit : unitOf(kept);
  return (
    <div className="flex items-start gap-2">
      <TextField
        label={label}
        name={name}
        type="number"
        min={0}
        step="any"
        required={required}
        defaultValue={kept === null ? '' : kept / UNITS[unit]}
        help={help}
        className="min-w-0 flex-1"
      />
      <SelectField
        label={`${label}: ${time.unit}`}
        name={`${name}.unit`}
        defaultValue={unit}
        options={NAMES.map((one): [string, string] => [one, time.units[one]])}
        className="mt-[1.65rem] !w-auto"
      />
    </div>
  );
}

/** Seconds; null where nothing was entered. */
export function readDuration(form: FormData, name: string): number | null {
  const text = String(form.get(name) ?? '').trim();
  const unit = NAMES.find((one) => one === form.get(`${name}.unit`)) ?? 's';
  return text === '' ? null : Math.round(Number(text) * UNITS[unit]);
}
