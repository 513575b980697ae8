import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { findMissingPackages } from './system-packages.ts';

it('asks for a system package only when a test file needs it and its command is absent', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-packages-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const byText = join(folder, 'one.test.ts');
  const byName = join(folder, 'gizmo.test.ts');
  const other = join(folder, 'other.test.ts');
  writeFileSync(byText, "import { startGizmo } from './fixtures.ts';");
  for (const file of [byName, other]) writeFileSync(file, '');
  const packages = [{ name: 'gizmo', probe: 'gizmod', neededBy: /gizmo/i, purpose: 'gizmos' }];
  const find = (files: string[], isPresent: boolean) =>
    findMissingPackages(files, packages, () => isPresent).map((missing) => missing.files);

  assert.deepEqual(find([byText, byName, other], false), [[byText, byName]]);
  assert.deepEqual(find([other], false), []);
  assert.deepEqual(find([byText], true), []);
});
