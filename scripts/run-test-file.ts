import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'node:test';
import { createTestTally, type FileResult } from './test-tally.ts';

const PRELOAD = new URL('./test-preload.mjs', import.meta.url).href;
/** After SIGTERM: time for the process to end, then after SIGKILL: time for its streams to close. */
const KILL_AFTER_MS = 5_000;

/**
 * Runs one test file in a process of its own and never fails to come back: a file that does not end
 * is ended, and that counts as a failed test.
 *
 * `run()` is called once for each file, because its `timeout` limits each test and not the file, and
 * because with several files in one call it holds back a file's events until the ones before are done.
 *
 * @param file absolute path
 */
export async function runTestFile(file: string, timeoutMs: number): Promise<FileResult> {
  const startMs = performance.now();
  const tally = createTestTally(file);
  const pidFolder = mkdtempSync(join(tmpdir(), 'posthorn-test-'));
  process.env['POSTHORN_TEST_PID_FOLDER'] = pidFolder;
  const controller = new AbortController();
  let forcedEnd: string | undefined;
  // Spawns at once, while the folder named in the environment is this file's.
  const events = run({
    files: [file],
    isolation: 'process',
    concurrency: 1,
    timeout: timeoutMs,
    signal: controller.signal,
    execArgv: ['--disable-warning=ExperimentalWarning', '--import', PRELOAD],
  });
  const timers: NodeJS.Timeout[] = [];
  const gaveUp = new Promise<void>((resolve) => {
    const after = (delayMs: number, act: () => void) => timers.push(setTimeout(act, delayMs));
    after(timeoutMs, () => {
      forcedEnd = `It did not end within ${timeoutMs / 1000} s.`;
      controller.abort();
    });
    after(timeoutMs + KILL_AFTER_MS, () => killHard(join(pidFolder, encodeURIComponent(file))));
    after(timeoutMs + 2 * KILL_AFTER_MS, resolve);
  });
  const collected = (async () => {
    for await (const event of events) tally.add(event);
  })();
  await Promise.race([collected, gaveUp]);
  for (const timer of timers) clearTimeout(timer);
  rmSync(pidFolder, { recursive: true, force: true });
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
