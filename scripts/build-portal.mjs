/**
 * Builds the portal of a checkout, once for each state of its sources. Plain JavaScript: it runs before
 * anything else does, when the dependencies are there.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withInstallLock } from './install-lock.mjs';

/** A failed build. Its message is all that a person needs to see. */
export class BuildError extends Error {}

/**
 * @param {string} root the checkout
 * @param {string} node the Node to build with
 * @param {(line: string) => void} [say]
 * @returns {Promise<'present' | 'built'>}
 * @throws {BuildError} when Vite fails
 */
export async function ensurePortalBuilt(
  root,
  node,
  say = (line) => process.stderr.write(`${line}\n`),
) {
  const portal = join(root, 'packages', 'portal');
  const built = join(portal, 'dist');
  const stamp = computeStamp(root, portal);
  const isBuilt = () => readStamp(built) === stamp;
  if (isBuilt()) return 'present';
  // Several may start at once: one builds, and nobody ever sees half of it.
  return withInstallLock({ directory: join(root, '.posthorn', 'portal.lock'), say }, async () => {
    if (isBuilt()) return 'present';
    say('Building the portal (once)...');
    const next = join(portal, 'dist-next');
    runVite(root, node, portal, next);
    writeFileSync(join(next, STAMP), stamp);
    rmSync(built, { recursive: true, force: true });
    renameSync(next, built);
    return 'built';
  });
}

const STAMP = '.built';

function readStamp(folder) {
  const file = join(folder, STAMP);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

function runVite(root, node, portal, folder) {
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const args = [vite, 'build', '--logLevel', 'warn', '--emptyOutDir', '--outDir', folder];
  const { status, stdout, stderr } = spawnSync(node, args, { cwd: portal, encoding: 'utf8' });
  if (status !== 0) throw new BuildError(`The portal could not be built:\n${stdout}${stderr}`);
}

/** What the built files are made of: the portal's sources and the versions of what builds them. */
function computeStamp(root, portal) {
  const hash = createHash('sha256');
  const sources = ['src', 'public'].flatMap((folder) => listFiles(join(portal, folder)));
  const files = ['index.html', 'vite.config.ts', 'package.json'].map((name) => join(portal, name));
  for (const file of [...sources, ...files, join(root, 'package-lock.json')]) {
    const bytes = readFileSync(file);
    hash.update(`${file.slice(root.length)} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

function listFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
