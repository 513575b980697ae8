/** `npm run check`: format and lint (Biome) and types (TypeScript) of the whole repository. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export interface CheckResult {
  readonly name: string;
  readonly passed: boolean;
  readonly output: string;
  readonly durationMs: number;
}

/** The packages' own start files, because the shims in node_modules/.bin differ on Windows. */
const CHECKS = [
  { name: 'biome', args: ['node_modules/@biomejs/biome/bin/biome', 'ci', '--colors=off', '.'] },
  { name: 'tsc', args: ['node_modules/typescript/bin/tsc', '-p', '.', '--pretty', 'false'] },
  {
    name: 'tsc of the portal',
    args: ['node_modules/typescript/bin/tsc', '-p', 'packages/portal', '--pretty', 'false'],
  },
];

/** Runs every check on the checkout at `root`, all at once. */
export function runChecks(root: string): Promise<CheckResult[]> {
  return Promise.all(CHECKS.map((check) => runCheck(root, check.name, check.args)));
}

function runCheck(root: string, name: string, [file = '', ...args]: string[]) {
  const startMs = performance.now();
  return new Promise<CheckResult>((resolve) => {
    const child = spawn(process.execPath, [join(root, file), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const end = (passed: boolean) =>
      resolve({ name, passed, output, durationMs: Math.round(performance.now() - startMs) });
    child.once('error', (error) => {
      output += String(error);
      end(false);
    });
    child.once('close', (code) => end(code === 0));
  });
}

/** Lines for a person: the output of what failed, then a line for each check. */
export function describeChecks(results: readonly CheckResult[]): string {
  const outputs = results.filter(({ passed }) => !passed).map(({ output }) => output.trimEnd());
  const lines = results.map(
    ({ name, passed, durationMs }) => `${passed ? 'ok  ' : 'FAIL'} ${name} (${durationMs} ms)`,
  );
  return [...outputs, ...lines].join('\n');
}

if (process.argv[1] === import.meta.filename) {
  const results = await runChecks(join(import.meta.dirname, '..'));
  process.stdout.write(`${describeChecks(results)}\n`);
  process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
}
