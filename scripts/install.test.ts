import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { computeStamp, ensureInstalled, InstallError, isStamped, writeStamp } from './install.mjs';
import { isStale, withInstallLock } from './install-lock.mjs';

const lockPath = 'package-lock.json';
const presentPath = 'node_modules/.package-lock.json';
const dependency = { version: '1.0.0', integrity: 'sha512-x' };

describe('ensureInstalled', () => {
  it('installs a fresh clone once', async (t) => {
    const root = createCheckout(t);
    const installs: string[] = [];
    const install = async (where: string) => void installs.push(where);
    assert.equal(await ensureInstalled(root, { say: () => {}, install }), 'installed');
    assert.equal(await ensureInstalled(root, { say: () => {}, install }), 'present');
    assert.deepEqual(installs, [root]);
  });

  it('says one line when it installs, and none when there is nothing to do', async (t) => {
    const root = createCheckout(t);
    const lines: string[] = [];
    const options = { say: (line: string) => void lines.push(line), install: async () => {} };
    await ensureInstalled(root, options);
    await ensureInstalled(root, options);
    assert.deepEqual(lines, ['Installing dependencies (once)...']);
  });

  it('installs once for two processes that start together', async (t) => {
    const root = createCheckout(t);
    let installs = 0;
    const install = async () => {
      installs += 1;
      await new Promise(setImmediate);
    };
    const both = [0, 1].map(() => ensureInstalled(root, { say: () => {}, install }));
    assert.deepEqual((await Promise.all(both)).sort(), ['installed', 'present']);
    assert.equal(installs, 1);
  });

  it('leaves no stamp and no lock behind when the installation fails', async (t) => {
    const root = createCheckout(t);
    const install = async () => {
      throw new InstallError('npm ended with 1');
    };
    await assert.rejects(ensureInstalled(root, { say: () => {}, install }), InstallError);
    assert.equal(isStamped(root), false);
    assert.equal(
      await ensureInstalled(root, { say: () => {}, install: async () => {} }),
      'installed',
    );
  });

  it('takes over what someone installed by hand', async (t) => {
    const root = createCheckout(t);
    write(root, presentPath, { packages: { 'node_modules/a': dependency } });
    mkdirSync(join(root, 'node_modules/a'));
    const install = () => Promise.reject(new Error('not needed'));
    assert.equal(await ensureInstalled(root, { say: () => {}, install }), 'adopted');
  });

  it('installs again over another version, a missing folder, or a dependency not yet locked', async (t) => {
    const breaks: ((root: string) => void)[] = [
      (root) =>
        write(root, presentPath, {
          packages: { 'node_modules/a': { ...dependency, version: '0.9.0' } },
        }),
      (root) => rmSync(join(root, 'node_modules/a'), { recursive: true }),
      (root) =>
        write(root, 'packages/one/package.json', { name: 'one', dependencies: { b: '1.0.0' } }),
    ];
    for (const breakIt of breaks) {
      const root = createCheckout(t);
      write(root, presentPath, { packages: { 'node_modules/a': dependency } });
      mkdirSync(join(root, 'node_modules/a'));
      breakIt(root);
      const install = async () => {};
      assert.equal(await ensureInstalled(root, { say: () => {}, install }), 'installed');
    }
  });
});

describe('the stamp', () => {
  it('changes with the lock file, with a package.json, and with a new workspace', (t) => {
    const root = createCheckout(t);
    const stamps = [computeStamp(root)];
    write(root, lockPath, { packages: {} });
    stamps.push(computeStamp(root));
    write(root, 'packages/one/package.json', { name: 'one', version: '2.0.0' });
    stamps.push(computeStamp(root));
    write(root, 'packages/two/package.json', { name: 'two' });
    stamps.push(computeStamp(root));
    assert.equal(new Set(stamps).size, 4);
  });

  it('does not change with any other file', (t) => {
    const root = createCheckout(t);
    writeStamp(root);
    write(root, 'packages/one/src.json', {});
    assert.equal(isStamped(root), true);
  });
});

describe('the lock', () => {
  const stamp = '00000000-0000-4000-8000-000000000000';

  it('is stale when its owner is gone from this machine', (t) => {
    const directory = createLock(t, `${hostname()} 12345 ${stamp}`);
    assert.equal(
      isStale(directory, Date.now(), () => false),
      true,
    );
    assert.equal(
      isStale(directory, Date.now(), () => true),
      false,
    );
  });

  it('goes by age alone when another machine, or nobody, is named in it', (t) => {
    for (const owner of [`elsewhere 12345 ${stamp}`, '']) {
      const directory = createLock(t, owner);
      assert.equal(
        isStale(directory, Date.now(), () => false),
        false,
      );
      assert.equal(
        isStale(directory, Date.now() + 61_000, () => false),
        true,
      );
    }
  });

  it('is taken over from a process that died', async (t) => {
    const directory = createLock(t, `elsewhere 12345 ${stamp}`);
    // A process id that no system hands out.
    writeFileSync(join(directory, 'owner'), `${hostname()} 2147483646 ${stamp}`);
    assert.equal(await withInstallLock({ directory }, async () => 'done'), 'done');
  });
});

function createCheckout(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'posthorn-install-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  write(root, 'package.json', { name: 'root', workspaces: ['packages/*', 'bench'] });
  write(root, 'packages/one/package.json', { name: 'one' });
  write(root, lockPath, {
    packages: {
      '': { name: 'root' },
      'packages/one': { name: 'one' },
      'node_modules/a': dependency,
      'node_modules/for-another-system': { ...dependency, optional: true },
    },
  });
  return root;
}

function createLock(t: TestContext, owner: string): string {
  const root = mkdtempSync(join(tmpdir(), 'posthorn-lock-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const directory = join(root, 'parent', 'install.lock');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'owner'), owner);
  return directory;
}

function write(root: string, path: string, content: unknown): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), JSON.stringify(content));
}
