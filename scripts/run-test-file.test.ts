import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
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

describe('runSharedFiles', () => {
  it('counts each file for itself, whose hooks are its own', (t) => {
    const hooks = `import { after, before, beforeEach, test } from 'node:test';
      const state = { before: 0, each: 0 };
      before(async () => { await new Promise(setImmediate); state.before += 1; });
      beforeEach(() => { state.each += 1; });
      after(() => { if (state.each !== 2) throw new Error('the hook of another file'); });
      for (const name of ['a', 'b']) test(name, () => { if (state.before !== 1) throw new Error(); });`;
    const results = runShared(t, {
      'one.test.ts': hooks,
      'two.test.ts': `${importTest}test('c', () => { throw new Error('broken'); });`,
      'three.test.ts': 'const x = ;',
      'four.test.ts': hooks,
    });
    assert.deepEqual(results.map(summarize), [
      'one.test.ts 2',
      'two.test.ts 0 c',
      'three.test.ts 0 (the file itself)',
      'four.test.ts 2',
    ]);
  });

  const ends: readonly (readonly [string, string, string])[] = [
    ['in the middle', "test('b', () => process.exit(0));", 'two.test.ts 0 (the file itself)'],
    [
      'after all tests',
      "test('b', () => {}); process.on('exit', () => { process.exitCode = 3; });",
      'two.test.ts 1 (the file itself)',
    ],
  ];
  for (const [when, text, expected] of ends) {
    it(`blames one file for the bad end of the process ${when}`, (t) => {
      const good = `${importTest}test('a', () => {});`;
      const results = runShared(t, {
        'one.test.ts': good,
        'two.test.ts': importTest + text,
        'three.test.ts': good,
      });
      assert.deepEqual(results.map(summarize).sort(), [
        'one.test.ts 1',
        'three.test.ts 1',
        expected,
      ]);
    });
  }
});

const summarize = ({ file, passed, failures }: FileResult): string =>
  [basename(file), passed, ...failures.map(({ name }) => name)].join(' ');

function runFile(t: TestContext, text: string, timeoutMs = 60_000): FileResult {
  const folder = writeFiles(t, { 'one.test.ts': text });
  const file = JSON.stringify(join(folder, 'one.test.ts'));
  return run(folder, `runTestFile(${file}, limits)`, timeoutMs) as FileResult;
}

/** `texts`: by the name of the file, in the order in which they run. */
function runShared(t: TestContext, texts: Record<string, string>): FileResult[] {
  const folder = writeFiles(t, texts);
  const files = Object.keys(texts).map((name) => join(folder, name));
  return run(folder, `runSharedFiles(${JSON.stringify(files)}, limits)`, 60_000) as FileResult[];
}

function writeFiles(t: TestContext, texts: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-runner-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
  return folder;
}

/** In a process of its own, because node:test refuses to run files from within a test file. */
function run(folder: string, call: string, timeoutMs: number): unknown {
  const program = `import { runSharedFiles, runTestFile } from ${JSON.stringify(RUNNER)};
    const limits = { timeoutMs: ${timeoutMs}, pidFolder: ${JSON.stringify(folder)} };
    const result = await ${call};
    process.stdout.write(JSON.stringify(result), () => process.exit());`;
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  // A file and not --eval: run() hands this process's own flags on to the test's.
  const driver = join(folder, 'driver.mjs');
  writeFileSync(driver, program);
  const { stdout, stderr } = spawnSync(process.execPath, [driver], { env, encoding: 'utf8' });
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}
