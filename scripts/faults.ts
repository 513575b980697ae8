/**
 * `npm run faults [-- part-of-a-path ...]`: parts of an installation die, stand still, are cut off or
 * lie about the time while it works, one scenario after the other, each in its long form. What was
 * acknowledged is held by id against what came out. Takes about an hour.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { findMissingPackages, installSystemPackages } from './system-packages.ts';

const PATTERNS = [
  'packages/server/src/cli/whole/faults/*.test.ts',
  'packages/server/src/cli/whole/faults/*.faults.ts',
  'packages/server/src/store/*/faults.test.ts',
];
/** The long forms drive their worlds for ten minutes and more. */
const FILE_TIMEOUT_MS = 3_600_000;

const root = join(import.meta.dirname, '..');
const filters = process.argv.slice(2);
const files = globSync(PATTERNS, { cwd: root })
  .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
  .sort()
  .map((path) => join(root, path));
if (files.length === 0) {
  process.stderr.write(`No scenario has ${filters.join(' or ')} in its path.\n`);
  process.exit(1);
}
installSystemPackages(findMissingPackages(files), (line) => process.stdout.write(`${line}\n`));
process.env['POSTHORN_FAULTS'] = 'long';
const events = run({
  files,
  concurrency: 1,
  timeout: FILE_TIMEOUT_MS,
  execArgv: ['--disable-warning=ExperimentalWarning'],
});
events.on('test:fail', () => {
  process.exitCode = 1;
});
events.compose(new spec()).pipe(process.stdout);
