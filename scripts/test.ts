/**
 * `npm test [-- part-of-a-path ...]`: the checks, then every test file, in a process of its own or in one
 * that it shares (share-out.ts). The last line of stdout is `N passed, N failed, N skipped`.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { describeChecks, runChecks } from './check.ts';
import { runSharedFiles, runTestFile } from './run-test-file.ts';
import { shareOut } from './share-out.ts';
import { findMissingPackages, installSystemPackages } from './system-packages.ts';
import { describeFile, describeRun } from './test-report.ts';
import { countTotals, decideExitCode, type FileResult } from './test-tally.ts';

const PATTERNS = [
  'packages/*/src/**/*.test.ts',
  'scripts/**/*.test.ts',
  'examples/**/*.test.ts',
  'bench/**/*.test.ts',
];
/** More than the two cores of the smallest machine, since many wait: for a browser, a server, a lease. */
const CONCURRENCY = 3;
const FILE_TIMEOUT_MS = 300_000;

const root = join(import.meta.dirname, '..');
const print = (text: string) => process.stdout.write(`${text}\n`);

/** Paths relative to the root, with forward slashes. */
function findTestFiles(filters: readonly string[]): string[] {
  const exclude = (path: string) => path.split(sep).includes('node_modules');
  return globSync(PATTERNS, { cwd: root, exclude })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .sort();
}

async function runCheckAsTest(): Promise<FileResult> {
  const results = await runChecks(root);
  const text = describeChecks(results);
  const isPass = results.every(({ passed }) => passed);
  return {
    file: 'npm run check',
    passed: isPass ? 1 : 0,
    failures: isPass ? [] : [{ name: 'the repository passes biome and tsc', text }],
    skips: [],
    durationMs: Math.max(...results.map(({ durationMs }) => durationMs)),
    output: '',
  };
}

async function runAll(filters: readonly string[], isCi: boolean): Promise<FileResult[]> {
  const results: FileResult[] = [];
  const take = (result: FileResult) => {
    results.push(result);
    print(describeFile(result, isCi));
  };
  // Whoever asks for some files is trying something out; the whole run has the checks.
  if (filters.length === 0) take(await runCheckAsTest());
  const files = findTestFiles(filters);
  installSystemPackages(findMissingPackages(files.map((file) => join(root, file))), print);
  const queue = shareOut(files, (file) => readFileSync(join(root, file), 'utf8')).values();
  const limits = {
    timeoutMs: FILE_TIMEOUT_MS,
    pidFolder: mkdtempSync(join(tmpdir(), 'posthorn-test-')),
  };
  const work = async () => {
    for (const group of queue) {
      const paths = group.map((file) => join(root, file));
      const [only = ''] = paths;
      const results =
        paths.length === 1
          ? [await runTestFile(only, limits)]
          : await runSharedFiles(paths, limits);
      for (const result of results) {
        take({ ...result, file: relative(root, result.file).split(sep).join('/') });
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  rmSync(limits.pidFolder, { recursive: true, force: true });
  return results;
}

// What one test file has compiled, the others read: a second of each.
process.env['NODE_COMPILE_CACHE'] ??= join(root, 'node_modules', '.posthorn-compiled');
const isCi = ['true', '1'].includes(process.env['CI'] ?? '');
const results = await runAll(process.argv.slice(2), isCi);
const totals = countTotals(results, isCi);
process.exitCode = decideExitCode(totals);
// What a test left running must not keep the run from ending, nor cut off its last line.
process.stdout.write(`${describeRun(results, isCi)}\n`, () => process.exit());
