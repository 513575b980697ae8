import { refuseParameter } from './envelope.ts';

/** The parameters of a request to Postal: names and values of any kind, of which few are needed. */
export type Parameters = Readonly<Record<string, unknown>>;

export function readParameters(body: unknown): Parameters {
  if (body === undefined || body === null) return {};
  if (typeof body === 'object' && !Array.isArray(body)) return { ...body };
  return refuseParameter('The parameters have to be a JSON object.');
}

/** Null for what is not there, is empty or is null: clients send all three. */
export function textOf(parameters: Parameters, name: string): string | null {
  const value = parameters[name];
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'string') return value;
  return refuseParameter(`\`${name}\` parameter must be a string`);
}

/** A list of texts; one text is a list of one. */
export function listOf(parameters: Parameters, name: string): string[] {
  const value = parameters[name];
  if (value === undefined || value === null || value === '') return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.map((one) =>
    typeof one === 'string'
      ? one
      : refuseParameter(`\`${name}\` parameter must be an array of strings`),
  );
}
