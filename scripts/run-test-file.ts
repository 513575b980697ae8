import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createSharedTally } from './shared-tally.ts';
import { createTestTally, type FileResult, type TestRunEvent } from './test-tally.ts';

const SHARED_PROCESS = join(import.meta.dirname, 'shared-process.mjs');
const PRELOAD = new URL('./test-preload.mjs', import.meta.url).href;
/** Between SIGTERM, on which a test's own clean-up may run, and SIGKILL. */
const KILL_AFTER_MS = 2_000;

export interface TestFileLimits {
  readonly timeoutMs: number;
  /** An empty folder in which the processes of test files leave their ids (test-preload.mjs). */
  readonly pidFolder: string;
}

/**
 * Runs one test file in a process of its own and never fails to come back: a file that does not end
 * is ended, and that counts as a failed test.
 *
 * @param file absolute path
 */
export async function runTestFile(file: string, limits: TestFileLimits): Promise<FileResult> {
  const startMs = performance.now();
  const tally = createTestTally(file);
  const forcedEnd = await runProcess({ file, args: [], pidName: file, add: tally.add }, limits);
  const durationMs = Math.round(performance.now() - startMs);
  return tally.finish({ durationMs, ...(forcedEnd !== undefined && { forcedEnd }) });
}

/**
 * Runs test files one after the other in a process that they share, which saves its start and what they
 * load in common. A file about which this says nothing, because the process came to a bad end, then runs
 * alone.
 *
 * @param files absolute paths
 */
export async function runSharedFiles(
  files: readonly string[],
  limits: TestFileLimits,
): Promise<FileResult[]> {
  const tally = createSharedTally(files);
  const [pidName = ''] = files;
  await runProcess({ file: SHARED_PROCESS, args: files, pidName, add: tally.add }, limits);
  const { results, unknown } = tally.finish();
  for (const file of unknown) results.push(await runTestFile(file, limits));
  return results;
}

interface TestProcess {
  readonly file: string;
  readonly args: readonly string[];
  /** The test file under whose name it leaves its process id. */
  readonly pidName: string;
  add(event: TestRunEvent): void;
}

/**
 * `run()` is called once for each process, because its `timeout` limits each test and not the file, and
 * because with several files in one call it holds back a file's events until the ones before are done.
 *
 * @returns why the process had to be ended, if it had to be
 */
async function runProcess(
  { file, args, pidName, add }: TestProcess,
  { timeoutMs, pidFolder }: TestFileLimits,
): Promise<string | undefined> {
  process.env['POSTHORN_TEST_PID_FOLDER'] = pidFolder;
  const controller = new AbortController();
  let forcedEnd: string | undefined;
  const events = run({
    files: [file],
    argv: args,
    isolation: 'process',
    concurrency: 1,
    timeout: timeoutMs,
    signal: controller.signal,
    execArgv: ['--disable-warning=ExperimentalWarning', '--import', PRELOAD],
  });
  const timer = setTimeout(() => {
    forcedEnd = `It did not end within ${timeoutMs / 1000} s.`;
    controller.abort(); // which sends SIGTERM and closes `events` without waiting for the process
  }, timeoutMs);
  for await (const event of events) add(event);
  clearTimeout(timer);
  if (forcedEnd !== undefined) {
    await wait(KILL_AFTER_MS);
    killHard(join(pidFolder, encodeURIComponent(pidName)));
  }
  return forcedEnd;
}

function killHard(pidFile: string): void {
  try {
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
  } catch {
    // It has ended meanwhile, or never started.
  }
}
