import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { ConfigError } from '../../config.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { parseDuration } from '../../lib/duration.ts';
import { messageOf } from '../../lib/errors.ts';
import type { World } from './world.ts';

/** A parser for an option that takes a whole number. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
  };

/** A parser for an option that takes a number of seconds, such as `1790000000` or `0.5`. */
export function seconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number of seconds.');
}

/** A time, or how long ago, as RFC 3339. Throws ConfigError, which names the flag. */
export function readTime(text: string, nowMs: number, flag: string): string {
  const agoMs = parseDuration(text);
  if (agoMs !== null) return toTimestamp(nowMs - agoMs);
  const atMs = Date.parse(text);
  if (!Number.isNaN(atMs)) return toTimestamp(atMs);
  throw new ConfigError(
    `${flag}: ${JSON.stringify(text)} is neither a time such as 2026-11-21T16:00:00Z nor how long ago, such as 7d.`,
  );
}

/** The bytes of a file, or of standard input for `-`. Throws ConfigError, which names the flag. */
export async function readBytes(
  file: string,
  { readInput }: Pick<World, 'readInput'>,
  flag: string,
): Promise<Uint8Array> {
  if (file === '-') return readInput();
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError(`${flag}: ${file} cannot be read: ${messageOf(error)}`);
  }
}

/** Throws ConfigError for bytes that are no UTF-8: they would be sent as other characters. */
export async function readText(
  file: string,
  world: Pick<World, 'readInput'>,
  flag: string,
): Promise<string> {
  const bytes = await readBytes(file, world, flag);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigError(`${flag}: ${file === '-' ? 'standard input' : file} is not UTF-8.`);
  }
}

/** A JSON object of a file or standard input. Throws ConfigError. */
export async function readObject(
  file: string,
  world: Pick<World, 'readInput'>,
  flag: string,
): Promise<Record<string, unknown>> {
  const name = file === '-' ? 'standard input' : file;
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readText(file, world, flag));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`${flag}: ${name} is not JSON: ${messageOf(error)}`);
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  throw new ConfigError(`${flag}: ${name} is not a JSON object.`);
}

/** The fields that were given, without those that were left out. */
export function given(fields: Record<string, unknown>): Record<string, unknown> {
  const isGiven = (value: unknown): boolean =>
    value !== undefined && !(Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isGiven(value)));
}

/** `?a=b&c=d` of the fields that were given, or nothing. */
export function toQuery(fields: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query}`;
}
