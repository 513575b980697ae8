import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeFile, describeRun } from './test-report.ts';
import {
  countTotals,
  createTestTally,
  decideExitCode,
  type FileResult,
  type TestRunEvent,
} from './test-tally.ts';

const FILE = '/repo/one.test.ts';
const end: TestRunEvent = { type: 'test:summary', data: { file: FILE } };

describe('the tally of a file', () => {
  it('counts tests, and not the suites around them', () => {
    const result = tally(pass('a'), pass('b', 1), pass('c', 1), pass('suite', 0, 'suite'), end);
    assert.equal(result.passed, 3);
    assert.deepEqual(result.failures, []);
  });

  it('counts the subtests of a test, and not the test around them', () => {
    assert.equal(tally(pass('child', 1), pass('child', 1), pass('parent'), end).passed, 2);
    const failed = tally(pass('x', 1), fail('y', 1), fail('parent', 0, 'subtestsFailed'), end);
    assert.deepEqual([failed.passed, failed.failures.length], [1, 1]);
  });

  it('counts a leaf that comes after a suite of the same depth', () => {
    assert.equal(tally(pass('in', 1), pass('suite', 0, 'suite'), pass('leaf'), end).passed, 2);
  });

  it('counts the failure of a test that has subtests and fails by itself', () => {
    const result = tally(pass('child', 1), fail('parent'), end);
    assert.deepEqual([result.passed, result.failures.map(({ name }) => name)], [1, ['parent']]);
  });

  it('names a failed test with its suites', () => {
    const result = tally(start('outer', 0), start('inner', 1), fail('it breaks', 2), end);
    assert.equal(result.failures[0]?.name, 'outer > inner > it breaks');
    assert.match(result.failures[0]?.text ?? '', /the cause/);
  });

  it('keeps the reasons of skipped and todo tests, and counts neither as passed or failed', () => {
    const result = tally(
      marked('test:pass', 'a', { skip: 'no Postfix here' }),
      marked('test:pass', 'b', { skip: true }),
      marked('test:fail', 'c', { todo: 'later' }),
      end,
    );
    assert.deepEqual(
      result.skips.map(({ text }) => text),
      ['no Postfix here', 'no reason given', 'todo later'],
    );
    assert.deepEqual([result.passed, result.failures.length], [0, 0]);
  });

  it('fails a file whose process crashed, beside the tests that had passed', () => {
    const result = tally(pass('a'), end, crash({ exitCode: 1 }));
    assert.deepEqual([result.passed, result.failures.length], [1, 1]);
    assert.match(result.failures[0]?.text ?? '', /code 1/);
    assert.match(tally(crash({ signal: 'SIGKILL' })).failures[0]?.text ?? '', /SIGKILL/);
  });

  it('fails a file that leaves with process.exit(0) half-way', () => {
    const result = tally(pass('a'), pass(FILE));
    assert.match(result.failures[0]?.text ?? '', /before its tests had finished/);
  });

  it('fails a file without a test', () => {
    assert.match(tally(end, pass(FILE)).failures[0]?.text ?? '', /no test/);
  });

  it('fails a file that had to be ended, once, and names what was still running', () => {
    const tallied = createTestTally(FILE);
    tallied.add({ type: 'test:dequeue', data: { name: 'waits for ever', nesting: 0 } });
    tallied.add(crash({ signal: 'SIGTERM' }));
    const { failures } = tallied.finish({ durationMs: 5, forcedEnd: 'It did not end within 5 s.' });
    assert.deepEqual(
      failures.map(({ text }) => text),
      ['It did not end within 5 s. Still running: waits for ever.'],
    );
  });
});

describe('the totals of a run', () => {
  const skipping = tally(
    pass('a'),
    marked('test:pass', 'b', { skip: 'no database' }),
    marked('test:pass', 'c', { skip: 'allowed: needs Windows' }),
    end,
  );

  it('count a skip as a failure in CI unless its reason begins with "allowed:"', () => {
    assert.deepEqual(countTotals([skipping], false), { passed: 1, failed: 0, skipped: 2 });
    assert.deepEqual(countTotals([skipping], true), { passed: 1, failed: 1, skipped: 1 });
  });

  it('are the last line of the report, after every skip with its reason', () => {
    const lines = describeRun([skipping], false).split('\n');
    assert.equal(lines.at(-1), '1 passed, 0 failed, 2 skipped');
    assert.ok(lines.includes('  /repo/one.test.ts: b (no database)'));
    assert.match(describeRun([skipping], true), /counts as failed because CI is set/);
  });

  it('fail the run when something failed, and when nothing ran', () => {
    assert.equal(decideExitCode({ passed: 1, failed: 0, skipped: 1 }), 0);
    assert.equal(decideExitCode({ passed: 9, failed: 1, skipped: 0 }), 1);
    assert.equal(decideExitCode({ passed: 0, failed: 0, skipped: 0 }), 1);
    assert.equal(decideExitCode({ passed: 0, failed: 0, skipped: 3 }), 1);
  });

  it('show the output of a file only when it failed', () => {
    const noise: TestRunEvent = { type: 'test:stdout', data: { message: 'noise\n' } };
    assert.doesNotMatch(describeFile(tally(noise, pass('a'), end), false), /noise/);
    assert.match(describeFile(tally(noise, fail('a'), end), false), /noise/);
  });
});

function tally(...events: TestRunEvent[]): FileResult {
  const tallied = createTestTally(FILE);
  for (const event of events) tallied.add(event);
  return tallied.finish({ durationMs: 5 });
}

function start(name: string, nesting: number): TestRunEvent {
  return { type: 'test:start', data: { name, nesting } };
}

function pass(name: string, nesting = 0, type = 'test'): TestRunEvent {
  return { type: 'test:pass', data: { name, nesting, details: { type } } };
}

function fail(name: string, nesting = 0, failureType = 'testCodeFailure'): TestRunEvent {
  const error = Object.assign(new Error('failed', { cause: new Error('the cause') }), {
    failureType,
  });
  return { type: 'test:fail', data: { name, nesting, details: { type: 'test', error } } };
}

function marked(type: string, name: string, marks: object): TestRunEvent {
  return { type, data: { name, nesting: 0, details: { type: 'test' }, ...marks } };
}

/** What run() reports of the file itself when its process ends badly. */
function crash(how: { exitCode?: number; signal?: string }): TestRunEvent {
  const error = Object.assign(new Error('test failed'), { failureType: 'testCodeFailure', ...how });
  return { type: 'test:fail', data: { name: FILE, nesting: 0, details: { type: 'test', error } } };
}
