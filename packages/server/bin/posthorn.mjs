#!/usr/bin/env node
/**
 * The `posthorn` command. In a checkout it first installs what is missing, and where the machine's
 * Node is too old for TypeScript it goes on with the Node that the checkout pins.
 */
import { existsSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = fileURLToPath(import.meta.url);
const checkout = join(dirname(here), '..', '..', '..');

async function main(args) {
  // A file: URL, because import() takes `C:\...` for a scheme.
  const scripts = pathToFileURL(join(checkout, 'scripts/'));
  if (!existsSync(new URL('install.mjs', scripts))) return runHere(args);
  const { ensureInstalled, InstallError } = await import(new URL('install.mjs', scripts));
  try {
    await ensureInstalled(checkout);
  } catch (error) {
    if (!(error instanceof InstallError)) throw error;
    return fail(error.message);
  }
  const runtime = await import(new URL('node-runtime.mjs', scripts));
  if (args[0] === 'serve') await buildPortal(scripts, runtime);
  if (runtime.isNewEnough(process.version)) return runHere(args);
  const node = runtime.findNode(checkout);
  if (!node) return fail(runtime.missingNodeMessage);
  return runtime.runForeground(node, [...runtime.NODE_FLAGS, ...heapFlags(args), here, ...args]);
}

/** A server without its portal is still a server: what is wrong with the build is said, and that is all. */
async function buildPortal(scripts, runtime) {
  const { ensurePortalBuilt } = await import(new URL('build-portal.mjs', scripts));
  const node = runtime.findNode(checkout);
  if (!node) return;
  try {
    await ensurePortalBuilt(checkout, node);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  }
}

/**
 * A server that works hard takes the heap that V8 gives it: where its old generation grows as usual 520 to 540 MB
 * while it takes 200,000 events, with these 285 to 330 (docs/benchmarks.md). The young generation of 48 MB that they allow is as
 * fast; one of 12 MB saves another 15 MB and costs up to a quarter of the throughput. With `--expose-gc` the server
 * gives back what it took when it has nothing to do (src/lib/memory-keeper.ts).
 */
function heapFlags(args) {
  if (args[0] !== 'serve') return [];
  const given = process.env['NODE_OPTIONS'] ?? '';
  const flags = ['--max-semi-space-size=16', '--heap-growing-percent=30', '--expose-gc'];
  return flags.filter((flag) => !given.includes(flag.split('=', 1)[0]));
}

/** What was compiled once is read back. Where nothing can be written, nothing is. */
const compileCache = join(checkout, 'node_modules', '.posthorn-compiled');

async function runHere(args) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 18)) {
    return fail(`Posthorn needs Node.js 22.18 or newer; this is ${process.version}.`);
  }
  const flags = heapFlags(args);
  if (!flags.every((flag) => process.execArgv.includes(flag)) && process.execve !== undefined) {
    // V8 takes these at its start only. The same process goes on, under the same pid.
    const node = [process.execPath, ...process.execArgv, ...flags];
    // By the environment, so that threads read what was compiled too.
    const env = { NODE_COMPILE_CACHE: compileCache, ...process.env };
    process.execve(process.execPath, [...node, here, ...args], env);
  }
  module.enableCompileCache?.(compileCache);
  const cli = await import('../src/cli/main.ts');
  module.flushCompileCache?.();
  return cli.main(args);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  return 1;
}

process.exitCode = await main(process.argv.slice(2));
