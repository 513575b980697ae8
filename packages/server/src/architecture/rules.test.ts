import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RULES } from './rules.ts';
import { parseSourceFile } from './source-file.ts';

const S = 'packages/server/src';

/** Small houses: a rule's name begins with the key; each has the places where the rule must complain. */
const BROKEN: Readonly<Record<string, readonly Broken[]>> = {
  'rooms import one way': [
    broken(`${S}/lib/a.ts`, "import { b } from '../core/b.ts';"),
    broken(`${S}/core/a.ts`, "import type { B } from '../store/b.ts';"),
    broken(`${S}/store/a.ts`, "import { b } from '../smtp/b.ts';"),
    broken(`${S}/sinks/deep/a.ts`, "export * from '../../sources/b.ts';"),
    broken(`${S}/mail/a.ts`, "import type { B } from '../webhooks/b.ts';"),
    broken(`${S}/webhooks/a.ts`, "const b = await import('../mail/b.ts');"),
    broken(`${S}/webhooks/a.ts`, "const b = new URL('../http/b.ts', import.meta.url);"),
    broken(`${S}/http/a.ts`, "import { b } from '../cli/b.ts';"),
    broken(`${S}/http/a.ts`, "import '../main.ts';"),
    broken(`${S}/cli/a.ts`, "import { b } from '../assembly/b.ts';"),
    broken(`${S}/assembly/a.ts`, "import { start } from '../main.ts';"),
    broken(`${S}/utils/a.ts`, "import { b } from '../lib/b.ts';"),
  ],
  'only main and cli read the values': [
    broken(`${S}/http/a.ts`, "import { config } from '../config.ts';"),
    broken(`${S}/http/a.ts`, "import { type Config } from '../config.ts';"),
    broken(`${S}/assembly/a.ts`, "import { loadConfig } from '../config/load-config.ts';"),
  ],
  'core does no I/O': [
    broken(`${S}/core/a.ts`, "import { readFile } from 'node:fs/promises';"),
    broken(`${S}/core/deep/a.ts`, "import { setTimeout } from 'node:timers/promises';"),
  ],
  'only store holds SQL': [
    broken(`${S}/mail/a.ts`, "const sql = 'SELECT id FROM messages';"),
    broken(`${S}/http/a.ts`, `const sql = \`DELETE FROM messages WHERE id = \${id}\`;`),
    broken(`${S}/http/a.ts`, 'const sql = `SELECT id,\n state\n FROM messages`;'),
    broken(`${S}/cli/a.ts`, 'run("UPDATE messages SET state = 1");'),
  ],
  'only config.ts and cli see': [
    broken(`${S}/mail/a.ts`, 'const home = process.env.HOME;'),
    broken('packages/sdk/src/a.ts', `const home = \`\${process.env['HOME']}\`;`),
  ],
  'sdk imports only': [
    broken('packages/sdk/src/a.ts', "import { readFileSync } from 'node:fs';"),
    broken('packages/sdk/src/a.ts', "import type { Z } from 'zod';"),
    broken('packages/bounce/src/a.ts', "import { z } from 'zod';"),
    broken('packages/bounce/src/a.ts', "import { createHash } from 'node:crypto';"),
  ],
  'packages import each other by name': [
    broken(`${S}/mail/a.ts`, "import type { E } from '../../../sdk/src/event.ts';"),
  ],
  'no file imports an index.ts above it': [
    broken(`${S}/sinks/a.ts`, "import { b } from './index.ts';"),
    broken('packages/sdk/src/providers/a.ts', "import { b } from '../index.ts';"),
  ],
  'no default exports': [
    broken(`${S}/lib/a.ts`, 'export default 1;'),
    broken(`${S}/lib/a.ts`, 'const a = 1;\nexport { a as default };', 2),
    broken(`${S}/lib/a.test.ts`, 'export default 1;'),
  ],
  'relative imports name': [
    broken(`${S}/lib/a.ts`, "import { b } from './b.js';"),
    broken(`${S}/lib/a.test.ts`, "import { b } from './b.js';"),
  ],
};

const SOUND: Readonly<Record<string, string>> = {
  [`${S}/lib/clock.ts`]:
    "// import { a } from '../core/a.ts'; SELECT a FROM b\nexport const a = 1;",
  [`${S}/core/a.ts`]:
    "import { createHash } from 'node:crypto';\nimport { a } from '../lib/clock.ts';",
  [`${S}/store/sqlite/a.ts`]: "const sql = 'SELECT a FROM b';\nimport type { A } from '../a.ts';",
  [`${S}/store/a.ts`]: "import { sql } from './sqlite/a.ts';",
  [`${S}/mail/a.ts`]:
    "import { s } from '../store/a.ts';\nconst r = /['\"]/; const x = `import '../http/a.ts'`;",
  [`${S}/http/a.ts`]:
    "import type { Config } from '../config.ts';\nimport { m } from '../mail/a.ts';",
  [`${S}/cli/main.ts`]: "const home = process.env.HOME;\nimport { start } from '../main.ts';",
  [`${S}/main.ts`]: "import { config } from './config.ts';\nimport { a } from './assembly/a.ts';",
  [`${S}/assembly/a.ts`]:
    "import type { Config } from '../config.ts';\nimport { a } from '../http/a.ts';",
  [`${S}/config.ts`]: "import { text } from './config/a.ts';\nexport const config = process.env;",
  [`${S}/config/b.ts`]: "import { config } from '../config.ts';",
  [`${S}/lib/clock.test.ts`]: "import { start } from '../main.ts';\nconst e = process.env.HOME;",
  [`${S}/smtp/fixtures/a.ts`]: "import { a } from '../../store/a.ts';",
  'packages/sdk/src/a.ts': "import { createHmac } from 'node:crypto';\nimport { b } from './b.ts';",
  'packages/sdk/src/b.ts': "import type { A } from './a.ts';",
  'packages/bounce/src/a.ts':
    "import type { E } from '@posthorn/sdk';\nimport P from 'postal-mime';",
};

describe('the rules of the architecture', () => {
  for (const [name, houses] of Object.entries(BROKEN)) {
    for (const { path, text, line } of houses) {
      it(`complain when "${name}" is broken by ${path}: ${text}`, () => {
        const violations = findRule(name).find([parseSourceFile(path, text)]);
        assert.deepEqual(
          violations.map((violation) => [violation.path, violation.line]),
          [[path, line]],
        );
      });
    }
  }

  it('complain of a circle of any length, and name it', () => {
    const { find } = findRule('no imports in a circle');
    const circle = ['a', 'b', 'c'].map((name, index, names) =>
      parseSourceFile(`${S}/lib/${name}.ts`, `\nexport * from './${names[(index + 1) % 3]}.ts';`),
    );
    assert.deepEqual(find(circle), [
      {
        path: `${S}/lib/a.ts`,
        line: 2,
        problem: ['a', 'b', 'c', 'a'].map((name) => `${S}/lib/${name}.ts`).join(' -> '),
      },
    ]);
    assert.equal(find([parseSourceFile(`${S}/lib/a.ts`, "import './a.ts';")]).length, 1);
  });

  it('each have a house here that breaks them', () => {
    const covered = [...Object.keys(BROKEN), 'no imports in a circle'].map(findRule);
    assert.deepEqual(new Set(covered), new Set(RULES));
  });

  it('find nothing in a sound house', () => {
    const files = Object.entries(SOUND).map(([path, text]) => parseSourceFile(path, text));
    for (const { name, find } of RULES) assert.deepEqual(find(files), [], name);
  });
});

describe('the reader of imports', () => {
  const read = (text: string) =>
    parseSourceFile(`${S}/lib/a.ts`, text).imports.map(({ specifier, kind }) => [specifier, kind]);

  it('tells value, type and deferred imports apart', () => {
    assert.deepEqual(
      read(`import a, { b } from 'one';\nimport type { C } from "two";\nexport type { D } from 'three';
        import {\n  e,\n  f as g,\n} from 'four';\nexport * as h from 'five';\nimport 'six';\nawait import('seven');`),
      [
        ['one', 'value'],
        ['two', 'type'],
        ['three', 'type'],
        ['four', 'value'],
        ['five', 'value'],
        ['six', 'value'],
        ['seven', 'deferred'],
      ],
    );
  });

  it('is not misled by comments, strings, templates or regular expressions', () => {
    assert.deepEqual(
      read(`/* import 'no'; */ // import 'no';
        const url = 'http://x'; const s = "import 'no'"; const r = /[/'"]\`/g; const d = 4 / 2 / 1;
        const t = \`import 'no' \${f({ a: \`\${1}\` })} import 'no'\`; const q = 'it\\'s';
        import { yes } from 'yes';`),
      [['yes', 'value']],
    );
  });
});

interface Broken {
  readonly path: string;
  readonly text: string;
  readonly line: number;
}

function broken(path: string, text: string, line = 1): Broken {
  return { path, text, line };
}

function findRule(start: string) {
  const rule = RULES.find(({ name }) => name.startsWith(start));
  assert.ok(rule, `no rule begins with "${start}"`);
  return rule;
}
