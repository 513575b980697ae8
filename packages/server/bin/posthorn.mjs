#!/usr/bin/env node
/**
 * The `posthorn` command. In a checkout it first installs what is missing, and where the machine's
 * Node is too old for TypeScript it goes on with the Node that the checkout pins.
 */
import { existsSync } from 'node:fs';
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
  if (runtime.isNewEnough(process.version)) return runHere(args);
  const node = runtime.findNode(checkout);
  if (!node) return fail(runtime.missingNodeMessage);
  return runtime.runForeground(node, [...runtime.NODE_FLAGS, here, ...args]);
}

async function runHere(args) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 18)) {
    return fail(`Posthorn needs Node.js 22.18 or newer; this is ${process.version}.`);
  }
  const cli = await import('../src/cli/main.ts');
  return cli.main(args);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  return 1;
}

process.exitCode = await main(process.argv.slice(2));
