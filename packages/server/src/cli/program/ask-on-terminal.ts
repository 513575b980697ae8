import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** Asks on standard error, so that standard output stays what was asked for. */
export function askOnTerminal(question: string, isSecret = false): Promise<string> {
  const shown = process.stderr;
  let isQuiet = false;
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!isQuiet) shown.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  return new Promise((resolve, reject) => {
    lines.question(question, (answer) => {
      lines.close();
      if (isSecret) shown.write('\n');
      resolve(answer.trim());
    });
    isQuiet = isSecret;
    lines.once('SIGINT', () => {
      lines.close();
      shown.write('\n');
      // As the shell says it of a program that Ctrl-C has ended.
      process.exit(130);
    });
    lines.once('error', reject);
  });
}
