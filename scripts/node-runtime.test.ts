import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findNode, isNewEnough } from './node-runtime.mjs';

const MODULE = new URL('./node-runtime.mjs', import.meta.url).href;
const root = fileURLToPath(new URL('..', import.meta.url));

it('takes Node 22.18 and everything after it', () => {
  assert.deepEqual(['v22.18.0', 'v22.20.1', 'v24.0.0', '26.1.0'].map(isNewEnough), [
    true,
    true,
    true,
    true,
  ]);
  assert.deepEqual(['v18.20.0', 'v20.20.2', 'v22.17.9'].map(isNewEnough), [false, false, false]);
});

it('finds a Node that is new enough in this checkout', () => {
  const node = findNode(root);
  assert.ok(node);
  assert.ok(isNewEnough(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()));
});

it('hands on the exit code', () => {
  assert.equal(runInParent('process.exit(7)').status, 7);
});

it('hands on signals, and lets the program end in its own way', async () => {
  const child =
    "process.on('SIGTERM', () => process.exit(3)); console.log('up'); setInterval(() => {}, 999)";
  const parent = spawn(process.execPath, parentArgs(child), {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(parent.stdout, 'data');
  parent.kill('SIGTERM');
  assert.deepEqual(await once(parent, 'exit'), [3, null]);
});

function runInParent(program: string) {
  return spawnSync(process.execPath, parentArgs(program), { encoding: 'utf8' });
}

/** A process that runs `program` in another, the way `npm run` targets are. */
function parentArgs(program: string): string[] {
  const text = `import { runForeground } from ${JSON.stringify(MODULE)};
    process.exitCode = await runForeground(process.execPath, ['-e', ${JSON.stringify(program)}]);`;
  return ['--input-type=module', '--eval', text];
}
