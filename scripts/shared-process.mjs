/**
 * The process that several test files share (run-test-file.ts). Each file is a suite, and is loaded when
 * the one before is over: what it sets up as it is loaded, and its hooks, are its own.
 */
import { after, describe } from 'node:test';
import { pathToFileURL } from 'node:url';

for (const file of process.argv.slice(2)) {
  await new Promise((resolve) => {
    describe(file, async () => {
      try {
        await import(pathToFileURL(file).href);
      } finally {
        after(resolve); // the last of its hooks
      }
    });
  });
}
