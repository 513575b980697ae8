/**
 * Counts what one test file reported. Fed with the events of node:test's `run()`; no I/O, so that the
 * counting itself can be tested.
 */
import { inspect } from 'node:util';

/** The part of node:test's events that is read here. */
export interface TestRunEvent {
  readonly type: string;
  readonly data?: unknown;
}

export interface NamedProblem {
  readonly name: string;
  readonly text: string;
}

export interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly failures: readonly NamedProblem[];
  /** `text` is the reason. */
  readonly skips: readonly NamedProblem[];
  readonly durationMs: number;
  /** What the file's process wrote to stdout and stderr. */
  readonly output: string;
}

export interface FileEnd {
  readonly durationMs: number;
  /** Set when the runner ended the process; the sentence says why. */
  readonly forcedEnd?: string;
}

interface TestEventData {
  readonly name: string;
  readonly nesting: number;
  readonly file?: string;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
  readonly message?: string;
  readonly details?: { readonly type?: string; readonly error?: TestRunError };
}

interface TestRunError extends Error {
  readonly failureType?: string;
  readonly exitCode?: number | null;
  readonly signal?: string | null;
}

const OUTPUT_LIMIT_CHARS = 64 * 1024;

/** Collects the events of one file; `finish` gives the result. `file` is its path as given to `run()`. */
export function createTestTally(file: string) {
  let passed = 0;
  const failures: NamedProblem[] = [];
  const skips: NamedProblem[] = [];
  let output = '';
  let reachedItsEnd = false;
  const namesByNesting: string[] = [];
  /** Has a test of this nesting been reported since its parent began? Then the parent is no leaf. */
  const childSeen: boolean[] = [];
  const running = new Set<string>();

  function add({ type, data }: TestRunEvent): void {
    const event = (data ?? {}) as TestEventData;
    if (type === 'test:start') namesByNesting[event.nesting] = event.name;
    if (type === 'test:dequeue' && !isTheFile(event)) running.add(event.name);
    if (type === 'test:complete') running.delete(event.name);
    if (type === 'test:pass' || type === 'test:fail') addResult(type === 'test:pass', event);
    if (type === 'test:stdout' || type === 'test:stderr') {
      output = (output + (event.message ?? '')).slice(-OUTPUT_LIMIT_CHARS);
    }
    // The process of a file sends a summary when all its tests are through; run() adds one of its
    // own without `file`. A process.exit(0) half-way leaves out the first.
    if (type === 'test:summary' && event.file !== undefined) reachedItsEnd = true;
    if (type === 'test:diagnostic' && / after the test ended\. /.test(event.message ?? '')) {
      output += `${event.message}\n`;
    }
  }

  function addResult(isPass: boolean, event: TestEventData): void {
    if (isTheFile(event)) {
      if (!isPass && event.details?.error?.failureType !== 'subtestsFailed') {
        failures.push({ name: '(the file itself)', text: describeExit(event.details?.error) });
      }
      return;
    }
    const hasChildren = childSeen[event.nesting + 1] === true;
    childSeen[event.nesting + 1] = false;
    childSeen[event.nesting] = true;
    const name = [...namesByNesting.slice(0, event.nesting), event.name].join(' > ');
    if (isMarked(event.skip)) skips.push({ name, text: readReason(event.skip) });
    else if (isMarked(event.todo)) skips.push({ name, text: `todo ${readReason(event.todo)}` });
    else if (!isPass) {
      const error = event.details?.error;
      if (error?.failureType !== 'subtestsFailed') failures.push({ name, text: describe(error) });
    } else if (!hasChildren && event.details?.type !== 'suite') passed += 1;
  }

  function isTheFile(event: TestEventData): boolean {
    return event.nesting === 0 && (event.name === file || event.name.endsWith('.test.ts'));
  }

  function finish({ durationMs, forcedEnd }: FileEnd): FileResult {
    if (forcedEnd !== undefined) {
      const still = running.size > 0 ? ` Still running: ${[...running].join(', ')}.` : '';
      replaceFileFailure(`${forcedEnd}${still}`);
    } else if (failures.length === 0 && !reachedItsEnd) {
      replaceFileFailure('Its process ended before its tests had finished (a process.exit?).');
    } else if (failures.length === 0 && passed === 0 && skips.length === 0) {
      replaceFileFailure('It holds no test.');
    }
    return { file, passed, failures, skips, durationMs, output };
  }

  function replaceFileFailure(text: string): void {
    const old = failures.findIndex(({ name }) => name === '(the file itself)');
    if (old >= 0) failures.splice(old, 1);
    failures.push({ name: '(the file itself)', text });
  }

  return { add, finish };
}

export interface RunTotals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** In CI a skip is a failure, unless whoever wrote it said that it may be. */
export function isSkipAllowed(reason: string, isCi: boolean): boolean {
  return !isCi || reason.startsWith('allowed:');
}

export function countTotals(results: readonly FileResult[], isCi: boolean): RunTotals {
  let [passed, failed, skipped] = [0, 0, 0];
  for (const result of results) {
    const refused = result.skips.filter(({ text }) => !isSkipAllowed(text, isCi)).length;
    passed += result.passed;
    failed += result.failures.length + refused;
    skipped += result.skips.length - refused;
  }
  return { passed, failed, skipped };
}

/** Exit code of a run: a run without a single test proves nothing, and fails. */
export function decideExitCode({ passed, failed }: RunTotals): 0 | 1 {
  return failed > 0 || passed === 0 ? 1 : 0;
}

const isMarked = (mark: string | boolean | undefined) => mark !== undefined && mark !== false;

function readReason(mark: string | boolean | undefined): string {
  return typeof mark === 'string' && mark !== '' ? mark : 'no reason given';
}

function describe(error: TestRunError | undefined): string {
  if (error === undefined) return 'failed without an error';
  return inspect(error.cause ?? error, { depth: 6 });
}

function describeExit(error: TestRunError | undefined): string {
  if (error?.signal) return `Its process was ended by ${error.signal}.`;
  if (typeof error?.exitCode === 'number') return `Its process ended with code ${error.exitCode}.`;
  return describe(error);
}
