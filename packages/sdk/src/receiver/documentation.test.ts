import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const read = (path: string): string =>
  readFileSync(join(import.meta.dirname, '..', '..', '..', '..', path), 'utf8');
const page = read('docs/receiving.md');

/** Names that a pattern finds in a source file, the first group of each match. */
function namesIn(path: string, from: string, pattern: RegExp): string[] {
  const text = read(path);
  const start = text.indexOf(from);
  assert.notEqual(start, -1, `${from} in ${path}`);
  return [...text.slice(start, text.indexOf('\n}', start)).matchAll(pattern)].map(
    ([, name = '']) => name,
  );
}

test('docs/receiving.md names every option, every code and every kind of record', () => {
  const names = [
    ...namesIn(
      'packages/sdk/src/receiver/settings.ts',
      'export interface ReceiverOptions',
      /^ {2}(\w+)\??:/gm,
    ),
    ...namesIn('packages/sdk/src/errors.ts', 'const CATALOGUE', /^ {2}(\w+): \d/gm),
    ...[...read('packages/sdk/src/receiver/log.ts').matchAll(/kind: '(\w+)'/g)].map(
      ([, name = '']) => name,
    ),
  ];
  assert.ok(names.length > 50, String(names));
  assert.deepEqual(
    names.filter((name) => !page.includes(`\`${name}\``)),
    [],
  );
});

test("every name in the table of the SDK's README is exported", async () => {
  const exported = Object.keys(await import('../index.ts'));
  const named = [...read('packages/sdk/README.md').matchAll(/^\| (`.*?) \|/gm)]
    .flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)])
    .map(([, name = '']) => name);
  assert.ok(named.length > 15);
  assert.deepEqual(
    named.filter((name) => !exported.includes(name)),
    [],
  );
});
