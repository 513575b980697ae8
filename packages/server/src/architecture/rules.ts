/** The rules of the house (docs/architecture.md), as checks over the imports and text of its files. */
import { posix } from 'node:path';
import { findCycles } from './find-cycles.ts';
import { lineAt, type SourceFile } from './source-file.ts';

export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly problem: string;
}

export interface Rule {
  readonly name: string;
  /** What to do about a violation. */
  readonly advice: string;
  readonly find: (files: readonly SourceFile[]) => Violation[];
}

const SERVER = 'packages/server/src/';

/** SQL for databases of others: the receiving end's table of what it has acknowledged, and warehouses. */
const FOREIGN_SQL = [
  'packages/sdk/src/inbox/',
  `${SERVER}sinks/kinds/`,
  `${SERVER}sinks/warehouse/`,
];

const BELOW_MAIL = ['lib', 'core', 'store', 'smtp', 'sources', 'sinks', 'analytics', 'alerts'];
const BELOW_HTTP = [...BELOW_MAIL, 'nodes', 'mail', 'webhooks'];

/** Which rooms of the server a room may import from, beside itself. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  core: ['lib'],
  store: ['lib', 'core'],
  smtp: ['lib', 'core'],
  sources: ['lib', 'core'],
  sinks: ['lib', 'core'],
  analytics: ['lib', 'core'],
  alerts: ['lib', 'core'],
  nodes: ['lib', 'core', 'store'],
  mail: BELOW_MAIL,
  webhooks: BELOW_MAIL,
  http: BELOW_HTTP,
  // A command talks to the HTTP API, or builds the program through main.ts.
  cli: [...BELOW_HTTP, 'http', 'main.ts'],
  // Builds each part for main.ts, and for nobody else.
  assembly: [...BELOW_HTTP, 'http', 'cli'],
  // The composition root and the table of settings; who reads the settings has a rule of its own.
  'main.ts': [...BELOW_HTTP, 'http', 'cli', 'assembly'],
  'config.ts': [...BELOW_HTTP, 'config'],
  // What kinds of settings there are, and how they are read.
  config: [...BELOW_HTTP, 'config.ts'],
};

/** What the other packages may import, beside themselves. */
const PACKAGE_IMPORTS: Readonly<Record<string, RegExp>> = {
  'packages/sdk/src/': /^node:crypto$/,
  'packages/bounce/src/': /^(@posthorn\/sdk|postal-mime)(\/|$)/,
};

const IO_MODULES =
  /^node:(fs|net|tls|https?|http2|dgram|dns|child_process|cluster|timers|worker_threads|sqlite|readline|process)(\/|$)/;

const SQL =
  /\b(SELECT\s[^;]{0,400}?\bFROM|INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|CREATE\s+TABLE)\b/g;

export const RULES: readonly Rule[] = [
  {
    name: 'rooms import one way: lib <- core <- {store, smtp, sources, sinks} <- {mail, webhooks} <- {http, cli} <- assembly <- main',
    advice:
      'Declare the narrow interface you need beside its use and let assembly/ hand the thing in, or move the shared part down a room. A new room goes into ROOMS and docs/architecture.md.',
    find: overImports(({ path }, { target }) => {
      const from = roomOf(path);
      const to = target === undefined ? undefined : roomOf(target);
      if (from === undefined || to === undefined || from === to || isConfig(to)) return;
      if (ROOMS[from] === undefined) return `${from} is not a room`;
      return ROOMS[from].includes(to) ? undefined : `${from} imports ${to} (${target})`;
    }),
  },
  {
    name: 'only main and cli read the values of config.ts and config/; the others may name their types',
    advice: 'Use `import type`, and take the settings you need as an argument.',
    find: overImports(({ path }, { target, kind }) => {
      const to = target === undefined ? undefined : roomOf(target);
      if (!isConfig(to) || kind === 'type') return;
      const from = roomOf(path);
      return from === 'main.ts' || from === 'cli' || isConfig(from)
        ? undefined
        : `${from} imports values of ${to}`;
    }),
  },
  {
    name: 'core does no I/O',
    advice:
      'Decide purely in core and act in the room that calls it; time and chance are arguments.',
    find: overImports(({ path }, { specifier }) =>
      roomOf(path) === 'core' && IO_MODULES.test(specifier) ? `imports ${specifier}` : undefined,
    ),
  },
  {
    name: 'only store holds SQL, and what speaks to databases of others',
    advice: 'Write the query as a function in store/, and declare the interface you need.',
    find: overText('code', SQL, (path) => {
      return roomOf(path) !== 'store' && !FOREIGN_SQL.some((folder) => path.startsWith(folder));
    }),
  },
  {
    name: 'only config.ts and cli see process.env',
    advice: 'Add a setting to config.ts and take it as an argument.',
    find: overText('skeleton', /\bprocess\s*\??\.\s*env\b/g, (path) => {
      const room = roomOf(path);
      return room !== 'config.ts' && room !== 'cli';
    }),
  },
  {
    name: 'sdk imports only node:crypto, bounce only sdk and postal-mime',
    advice: 'Both are published for their own sake: write the part you need, or move it to server.',
    find: overImports(({ path }, { specifier, target, kind }) => {
      const home = Object.keys(PACKAGE_IMPORTS).find((folder) => path.startsWith(folder));
      if (home === undefined || target?.startsWith(home)) return;
      // An adapter names the types of the server that it is for; nothing of it is there at run time.
      if (kind === 'type' && specifier === 'node:http') return;
      return PACKAGE_IMPORTS[home]?.test(specifier) ? undefined : `imports ${specifier}`;
    }),
  },
  {
    name: 'packages import each other by name',
    advice: 'Import from the package, and export there what you need.',
    find: overImports(({ path }, { specifier, target }) => {
      const home = path.split('/').slice(0, 3).join('/');
      return target === undefined || target.startsWith(`${home}/`)
        ? undefined
        : `imports ${specifier}`;
    }),
  },
  {
    name: 'no file imports an index.ts above it',
    advice: 'Import the file that holds the thing; an index.ts is for those outside its folder.',
    find: overImports(({ path }, { target }) => {
      if (target === undefined || !/^index\.tsx?$/.test(posix.basename(target))) return;
      return path.startsWith(`${posix.dirname(target)}/`) ? `imports ${target}` : undefined;
    }),
  },
  {
    name: 'no imports in a circle',
    advice: 'Move what both need into a file of its own, or turn one import into `import type`.',
    find: (files) =>
      findCycles(toValueGraph(files)).map((cycle) => {
        const file = files.find(({ path }) => path === cycle[0]);
        const line = file?.imports.find(({ target }) => target === cycle[1])?.line ?? 1;
        return { path: cycle[0] ?? '', line, problem: cycle.join(' -> ') };
      }),
  },
  {
    name: 'no default exports',
    advice: 'Export it by name.',
    find: overText(
      'skeleton',
      /\bexport\s+default\b|\bexport\s*\{[^}]*(?:\bas\s+default\b|\bdefault\s*[,}])/g,
      () => true,
      true,
    ),
  },
  {
    name: 'relative imports name the .ts file',
    advice: 'TypeScript runs as it stands here: write the suffix that the file has.',
    find: overImports(
      (_, { specifier, target }) =>
        target !== undefined && /\.jsx?$/.test(target) ? `imports ${specifier}` : undefined,
      true,
    ),
  },
];

/** `store` for a file in that folder of the server, `main.ts` for one at its root. */
function roomOf(path: string): string | undefined {
  return path.startsWith(SERVER) ? path.slice(SERVER.length).split('/')[0] : undefined;
}

function isConfig(room: string | undefined): boolean {
  return room === 'config.ts' || room === 'config';
}

type CheckImport = (file: SourceFile, one: SourceFile['imports'][number]) => string | undefined;

/** Checks each import. Test code may import everything, so it is left out unless `withTests`. */
function overImports(check: CheckImport, withTests = false): Rule['find'] {
  return (files) =>
    select(files, withTests).flatMap((file) =>
      file.imports.flatMap((one) => {
        const problem = check(file, one);
        return problem === undefined ? [] : [{ path: file.path, line: one.line, problem }];
      }),
    );
}

/** Finds a pattern in the text of the files that `applies` picks. */
function overText(
  part: 'code' | 'skeleton',
  pattern: RegExp,
  applies: (path: string) => boolean,
  withTests = false,
): Rule['find'] {
  return (files) =>
    select(files, withTests)
      .filter(({ path }) => applies(path))
      .flatMap((file) =>
        [...file[part].matchAll(pattern)].map((match) => ({
          path: file.path,
          line: lineAt(file[part], match.index),
          problem: match[0].replace(/\s+/g, ' ').slice(0, 60),
        })),
      );
}

function select(files: readonly SourceFile[], withTests: boolean): readonly SourceFile[] {
  return withTests ? files : files.filter(({ isTestCode }) => !isTestCode);
}

function toValueGraph(files: readonly SourceFile[]): Map<string, string[]> {
  return new Map(
    files.map(({ path, imports }) => [
      path,
      imports.flatMap(({ kind, target }) => (kind === 'value' && target ? [target] : [])),
    ]),
  );
}
