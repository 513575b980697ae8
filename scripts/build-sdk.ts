/**
 * `npm run build -w @posthorn/sdk`: what is published of the SDK, in packages/sdk/dist. The workspace itself
 * runs from the .ts files; here they become JavaScript and declarations, once as ES modules and once as
 * CommonJS, beside a package.json that says which is for whom. Publish with `npm publish packages/sdk/dist`.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const sdk = join(root, 'packages', 'sdk');

/** What only tests need. */
const LEFT_OUT = /\.test\.ts$|[\\/](fixtures|conformance)([\\/]|$)/;

/** Folder in the package, and the `type` that makes Node and TypeScript take it for that. */
const FORMATS = { esm: 'module', cjs: 'commonjs' } as const;

/** Writes the package into `folder`, which is emptied first. Throws when TypeScript finds fault. */
export function buildSdk(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, type] of Object.entries(FORMATS)) compile(join(folder, name), type);
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(publishedManifest(), null, 2)}\n`);
  copyFileSync(join(sdk, 'README.md'), join(folder, 'README.md'));
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
}

/** TypeScript decides by the package.json beside the sources what it writes, so these are copied. */
function compile(folder: string, type: string): void {
  const stage = mkdtempSync(join(tmpdir(), 'posthorn-build-'));
  try {
    const source = join(stage, 'src');
    cpSync(join(sdk, 'src'), source, {
      recursive: true,
      filter: (path) => !LEFT_OUT.test(path.slice(sdk.length)),
    });
    writeFileSync(join(stage, 'package.json'), JSON.stringify({ type }));
    writeFileSync(join(stage, 'tsconfig.json'), JSON.stringify(configFor(source, folder)));
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', stage], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`The SDK does not compile as ${type}:\n${stdout}`);
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ type })}\n`);
    for (const path of globSync('**/*.d.ts', { cwd: folder })) nameJavaScript(join(folder, path));
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function configFor(source: string, outDir: string): object {
  return {
    compilerOptions: {
      target: 'es2023',
      lib: ['esnext'],
      module: 'nodenext',
      rootDir: source,
      outDir,
      declaration: true,
      rewriteRelativeImportExtensions: true,
      strict: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
    },
    include: [source],
  };
}

/** Declarations keep the suffix of the source, which is not there any more. */
function nameJavaScript(path: string): void {
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace(/(["'])(\.{1,2}\/[^"']+)\.ts\1/g, '$1$2.js$1'));
}

function publishedManifest(): object {
  const { name, version, description, license } = JSON.parse(
    readFileSync(join(sdk, 'package.json'), 'utf8'),
  );
  const entry = (format: string) => ({
    types: `./${format}/index.d.ts`,
    default: `./${format}/index.js`,
  });
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    // JSON.rawJSON, with which numbers stay exact, is in every Node that is still kept up.
    engines: { node: '>=22' },
    sideEffects: false,
    main: './cjs/index.js',
    types: './cjs/index.d.ts',
    exports: {
      '.': { import: entry('esm'), require: entry('cjs') },
      './package.json': './package.json',
    },
    files: ['esm', 'cjs'],
  };
}

if (process.argv[1] === import.meta.filename) {
  const folder = join(sdk, 'dist');
  mkdirSync(folder, { recursive: true });
  buildSdk(folder);
  process.stdout.write(`${folder}\n`);
}
