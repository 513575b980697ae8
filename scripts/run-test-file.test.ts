import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { FileResult } from './test-tally.ts';

const RUNNER = new URL('./run-test-file.ts', import.meta.url).href;
const importTest = "import { test } from 'node:test';\n";

describe('runTestFile', () => {
  it('counts what a file reports', (t) => {
    const result = runFile(
      t,
      `${importTest}test('a', () => {}); test('b', () => { throw new Error('broken'); });
       test('c', { skip: 'allowed: for this test' }, () => {});`,
    );
    assert.equal(result.passed, 1);
    assert.match(result.failures[0]?.text ?? '', /^Error: broken/);
    assert.deepEqual(result.skips, [{ name: 'c', text: 'allowed: for this test' }]);
  });

  const crashes: readonly (readonly [string, string, RegExp])[] = [
    ['a syntax error', 'const x = ;', /ended with code/],
    [
      'a process.exit(0)',
      `${importTest}test('a', () => process.exit(0));`,
      /before its tests had finished/,
    ],
    [
      'an unhandled rejection',
      `${importTest}test('a', () => {}); Promise.reject(new Error('lost'));`,
      /ended with code 1/,
    ],
    [
      'a signal',
      `${importTest}test('a', () => process.kill(process.pid, 'SIGKILL'));`,
      /SIGKILL|ended with code/,
    ],
    ['no test in it', 'export const nothing = 1;', /holds no test/],
  ];
  for (const [name, text, expected] of crashes) {
    it(`fails a file with ${name}`, (t) => {
      const { failures } = runFile(t, text);
      assert.equal(failures.length, 1);
      assert.match(failures[0]?.text ?? '', expected);
    });
  }

  it('ends a file that does not end and takes no SIGTERM', (t) => {
    const text = `${importTest}process.on('SIGTERM', () => {}); test('a', () => { for (;;); });`;
    const { failures } = runFile(t, text, 1_500);
    assert.deepEqual(
      failures.map((failure) => failure.text),
      ['It did not end within 1.5 s.'],
    );
  });
});

/** In a process of its own, because node:test refuses to run files from within a test file. */
function runFile(t: TestContext, text: string, timeoutMs = 60_000): FileResult {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-runner-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'one.test.ts');
  writeFileSync(file, text);
  const program = `import { runTestFile } from ${JSON.stringify(RUNNER)};
    const limits = { timeoutMs: ${timeoutMs}, pidFolder: ${JSON.stringify(folder)} };
    const result = await runTestFile(${JSON.stringify(file)}, limits);
    process.stdout.write(JSON.stringify(result), () => process.exit());`;
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  // A file and not --eval: run() hands this process's own flags on to the test's.
  const driver = join(folder, 'driver.mjs');
  writeFileSync(driver, program);
  const { stdout, stderr } = spawnSync(process.execPath, [driver], { env, encoding: 'utf8' });
  assert.equal(stderr, '');
  return JSON.parse(stdout) as FileResult;
}
