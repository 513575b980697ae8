import { readFileSync } from 'node:fs';

/** Of the package. Not from main.ts, which would load the whole server to print a line of help. */
export function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return version;
}
