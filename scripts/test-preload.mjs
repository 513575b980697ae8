/**
 * Loaded into every process of test files by run-test-file.ts. Tells the runner which process it is, so
 * that one which ignores SIGTERM can still be ended; and when the tests are over but something keeps
 * the process alive, says what that is and ends it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { isMainThread } from 'node:worker_threads';

/** Longer than any idle connection that closes by itself should take; short beside a test run. */
const GRACE_MS = 5_000;
const OPEN_HANDLES_EXIT_CODE = 70;

const folder = process.env.POSTHORN_TEST_PID_FOLDER;
/** Where several files share the process (shared-process.mjs): the first of them. */
const file = process.argv.slice(1).find((path) => path.endsWith('.test.ts'));
// Worker threads and child processes of a test inherit this preload; only the test's own process counts.
if (folder && isMainThread && file !== undefined) {
  delete process.env.POSTHORN_TEST_PID_FOLDER;
  writeFileSync(join(folder, encodeURIComponent(file)), String(process.pid));
  after(() => {
    setTimeout(endWithReport, GRACE_MS).unref();
  });
}

function endWithReport() {
  // PipeWrap is this process's own stdout and stderr.
  const open = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap');
  process.stderr.write(`Something keeps the process alive after its tests: ${open.join(', ')}\n`);
  process.exit(OPEN_HANDLES_EXIT_CODE);
}
