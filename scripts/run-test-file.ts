import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { createTestTally, type FileResult } from './test-tally.ts';

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
 * `run()` is called once for each file, because its `timeout` limits each test and not the file, and
 * because with several files in one call it holds back a file's events until the ones before are done.
 *
 * @param file absolute path
 */
export async function runTestFile(
  file: string,
  { timeoutMs, pidFolder }: TestFileLimits,
): Promise<FileResult> {
  const startMs = performance.now();
  const tally = createTestTally(file);
  process.env['POSTHORN_TEST_PID_FOLDER'] = pidFolder;
  const controller = new AbortController();
  let forcedEnd: string | undefined;
  const events = run({
    files: [file],
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
  for await (const event of events) tally.add(event);
  clearTimeout(timer);
  if (forcedEnd !== undefined) {
    await wait(KILL_AFTER_MS);
    killHard(join(pidFolder, encodeURIComponent(file)));
  }
  const durationMs = Math.round(performance.now() - startMs);
  return tally.finish({ durationMs, ...(forcedEnd !== undefined && { forcedEnd }) });
}

function killHard(pidFile: string): void {
  try {
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
  } catch {
    // It has ended meanwhile, or never started.
  }
}
