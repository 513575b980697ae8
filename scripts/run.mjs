/**
 * `npm run demo`, `npm test`, `npm run bench`, `npm run simulate`, `npm run faults` and so on, from a clone in
 * which nothing is installed yet and on whatever Node the machine has: installs, then runs the target
 * on the pinned Node. Nothing of its own goes to stdout, which belongs to the target.
 */
import { join } from 'node:path';
import { BuildError, ensurePortalBuilt } from './build-portal.mjs';
import { checkoutRoot, ensureInstalled, InstallError } from './install.mjs';
import { findNode, missingNodeMessage, NODE_FLAGS, runForeground } from './node-runtime.mjs';

const TARGETS = {
  demo: ['packages/server/bin/posthorn.mjs', 'demo'],
  test: ['scripts/test.ts'],
  bench: ['bench/main.ts'],
  simulate: ['scripts/simulate.ts'],
  faults: ['scripts/faults.ts'],
  check: ['scripts/check.ts'],
  'score:providers': ['scripts/score-providers.ts'],
  'score:bounces': ['scripts/score-bounces.ts'],
  'build:sdk': ['scripts/build-sdk.ts'],
  'new-user': ['scripts/new-user.ts'],
};

/** These show it, or test it. */
const WITH_PORTAL = new Set(['demo', 'test']);

async function main([name = '', ...args]) {
  if (!Object.hasOwn(TARGETS, name)) {
    return fail(`Usage: node scripts/run.mjs <${Object.keys(TARGETS).join(' | ')}> [arguments]`);
  }
  try {
    await ensureInstalled(checkoutRoot);
  } catch (error) {
    if (error instanceof InstallError) return fail(error.message);
    throw error;
  }
  const node = findNode(checkoutRoot);
  if (!node) return fail(missingNodeMessage);
  if (WITH_PORTAL.has(name)) {
    try {
      await ensurePortalBuilt(checkoutRoot, node);
    } catch (error) {
      if (error instanceof BuildError) return fail(error.message);
      throw error;
    }
  }
  const [file, ...first] = TARGETS[name];
  return runForeground(node, [...NODE_FLAGS, join(checkoutRoot, file), ...first, ...args]);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  return 1;
}

process.exitCode = await main(process.argv.slice(2));
