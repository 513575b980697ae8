import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { publint } from 'publint';
import { buildSdk } from './build-sdk.ts';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'posthorn-package-'));
const built = join(folder, 'node_modules', '@posthorn', 'sdk');

/** Uses a class, a function and a type, and what is checked at run time. */
const USE = `
const error: Error = new PermanentError('x');
const options: ReceiverOptions = {
  provider: 'mailgun', secrets: 'x', inbox: createMemoryInbox(),
  handlers: { 'email.bounced': (event) => void event.data.bounce?.type },
};
const status: Promise<number> = createReceiver(options)
  .handle({ method: 'GET', url: '/', headers: {}, readBody: async () => new Uint8Array() })
  .then((answer) => answer.status);
status.then((one) => console.log(one, error.name));
`;
const NAMES = '{ createMemoryInbox, createReceiver, PermanentError, type ReceiverOptions }';

describe('the published SDK', () => {
  before(() => {
    mkdirSync(join(folder, 'node_modules', '@posthorn'), { recursive: true });
    buildSdk(built);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('has no dependencies, no tests and nothing that is for one of the formats only', () => {
    const manifest = JSON.parse(readFileSync(join(built, 'package.json'), 'utf8'));
    assert.deepEqual(
      [manifest.dependencies, manifest.peerDependencies, manifest.private],
      [undefined, undefined, undefined],
    );
    const filesOf = (format: string) => globSync('**/*', { cwd: join(built, format) }).sort();
    const esm = filesOf('esm');
    assert.deepEqual(esm, filesOf('cjs'));
    assert.ok(esm.includes('index.js') && esm.includes('index.d.ts'));
    assert.deepEqual(
      esm.filter((path) => /test|fixtures|conformance|\.ts$/.test(path) && !path.endsWith('.d.ts')),
      [],
    );
    const code = esm.map((path) =>
      /\.js$/.test(path) ? readFileSync(join(built, 'esm', path), 'utf8') : '',
    );
    const imported = code.join('\n').matchAll(/\bfrom '([^.'][^']*)'/g);
    assert.deepEqual([...new Set([...imported].map(([, name]) => name))], ['node:crypto']);
  });

  test('passes publint', async () => {
    const { messages } = await publint({ pkgDir: built, strict: true });
    assert.deepEqual(messages, []);
  });

  test('passes "are the types wrong", for every way of importing it', () => {
    const command = join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    const args = [command, '--pack', built, '--format', 'json'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...process.env, npm_config_cache: join(folder, 'cache') },
    });
    assert.equal(status, 0, `${stdout.slice(0, 2_000)}${stderr}`);
    assert.deepEqual(JSON.parse(stdout).problems ?? {}, {});
  });

  for (const [format, extension] of [
    ['ES modules', 'mts'],
    ['CommonJS', 'cts'],
  ] as const) {
    test(`compiles and runs from ${format}`, () => {
      const file = join(folder, `use.${extension}`);
      writeFileSync(file, `import ${NAMES} from '@posthorn/sdk';\n${USE}`);
      symlinkOnce(join(root, 'node_modules', '@types'), join(folder, 'node_modules', '@types'));
      const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const options = ['--module', 'nodenext', '--target', 'es2023', '--strict', '--types', 'node'];
      const compiled = spawnSync(process.execPath, [compiler, ...options, file], {
        cwd: folder,
        encoding: 'utf8',
      });
      assert.equal(compiled.status, 0, compiled.stdout);
      const script = file.replace(/ts$/, 'js');
      assert.equal(
        execFileSync(process.execPath, [script], { encoding: 'utf8' }),
        '405 PermanentError\n',
      );
    });
  }
});

function symlinkOnce(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}
