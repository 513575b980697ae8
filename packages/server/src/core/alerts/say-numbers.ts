import type { AlertTypeEntry } from './alert-types.ts';

/** Numbers as a person reads them. */

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** In the unit of a type: `7.3%`, `1,204`, `12 minutes`. */
export function sayValue(unit: AlertTypeEntry['unit'], value: number): string {
  if (unit === 'share') return sayShare(value);
  return unit === 'count' ? sayCount(value) : sayAge(value);
}

/** Two digits of what matters: 0.0731 is `7.3%`, 0.00103 is `0.1%`. */
export function sayShare(share: number): string {
  const percent = share * 100;
  const digits = percent >= 10 || Number.isInteger(percent) ? 0 : percent >= 1 ? 1 : 2;
  return `${Number(percent.toFixed(digits))}%`;
}

export function sayCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** A time that was set: exact, in the largest unit that it is whole in. */
export function saySeconds(seconds: number): string {
  const [unit, size] = UNITS.find(([, length]) => seconds % length === 0) ?? UNITS[3];
  return plural(seconds / size, unit);
}

/** A time that was measured: in the unit in which it is at least two. */
export function sayAge(seconds: number): string {
  const [unit, size] = UNITS.find(([, length]) => seconds >= 2 * length) ?? UNITS[3];
  return plural(Math.floor(seconds / size), unit);
}

/** `1 message`, `1,204 messages`. */
export function plural(count: number, noun: string): string {
  return `${sayCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
