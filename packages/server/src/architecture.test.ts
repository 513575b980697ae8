/** Holds every package to the rules of docs/architecture.md. The rules are in architecture/rules.ts. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, it } from 'node:test';
import { RULES } from './architecture/rules.ts';
import { parseSourceFile } from './architecture/source-file.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const files = globSync('packages/*/src/**/*.{ts,tsx}', { cwd: root })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => !path.includes('/node_modules/'))
  .sort()
  .map((path) => parseSourceFile(path, readFileSync(join(root, path), 'utf8')));

describe('the architecture', () => {
  it('is read from the files of every package', () => {
    const imports = files.flatMap((file) => file.imports);
    assert.ok(files.some(({ path }) => path === 'packages/sdk/src/event.ts'));
    assert.ok(imports.length > files.length / 2, `${imports.length} imports in all`);
  });

  for (const { name, advice, find } of RULES) {
    it(name, () => {
      const lines = find(files).map(({ path, line, problem }) => `  ${path}:${line}: ${problem}`);
      if (lines.length > 0) assert.fail(`${[...new Set(lines)].join('\n')}\n${advice}`);
    });
  }
});
