import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMAND_GROUPS } from './commands.ts';
import { runCommand } from './fixtures/run-command.ts';

const SPECS = COMMAND_GROUPS.flatMap(({ commands }) => commands);
const BIN = join(import.meta.dirname, '../../bin/posthorn.mjs');
const DOCS = readFileSync(join(import.meta.dirname, '../../../../docs/cli.md'), 'utf8');

test('each command says in one sentence what it does, and shows what one would type', async () => {
  for (const { name, summary, examples, asksServer } of SPECS) {
    const { code, out } = await runCommand([...name.split(' '), '--help'], { columns: 80 });
    const help = out.join('\n');
    assert.equal(code, 0, name);
    assert.match(help, new RegExp(`^Usage: posthorn ${name}\\b`), name);
    assert.match(summary, /^[A-Z][^\n]*\.$/, name);
    assert.ok(examples.length > 0, name);
    for (const example of examples) {
      assert.ok(example.includes(`posthorn ${name}`), `${name}: ${example}`);
      assert.ok(help.includes(example), `${name}: ${example}`);
    }
    assert.equal(help.includes('--profile <name>'), asksServer, name);
  }
});

test('docs/cli.md has a row for each command, with the same sentence', () => {
  for (const { name, args = [], summary } of SPECS) {
    const row = `| \`posthorn ${[name, ...args].join(' ')}\` | ${summary} |`;
    assert.ok(DOCS.includes(row), `docs/cli.md lacks: ${row}`);
  }
});

test('a wrong command, option or argument names the nearest right one and ends with 2', async () => {
  const cases: [string[], RegExp][] = [
    [
      ['endpoint'],
      /^posthorn: unknown command 'endpoint'\n\(Did you mean endpoints\?\)\n\(posthorn --help/,
    ],
    [['endpoints', 'crate'], /\(Did you mean create\?\)\n\(posthorn endpoints --help says more\)/],
    [['messages', 'list', '--recipent', 'a'], /\(Did you mean --recipient\?\)/],
    [['messages', 'show'], /missing required argument 'id'/],
    [['messages', 'list', 'more'], /too many arguments/],
    [['messages', 'list', '--limit', 'all'], /'all' is invalid\. It is a whole number from 1/],
    [['demo', '--port', 'eighty'], /'eighty' is invalid\. It is a whole number from 0/],
    [['decode', 'ses', '--tolerance', 'x'], /'x' is invalid\. It is a number of seconds/],
    [['deliveries', 'list', '--state', 'died'], /Allowed choices are pending, .*dead/],
    [['deliveries', 'list', '--since', 'once', '--key', 'k'], /--since: "once" is neither a time/],
    [['events'], /Usage: posthorn events/],
  ];
  for (const [argv, message] of cases) {
    const { code, out, err } = await runCommand(argv, { env: { XDG_CONFIG_HOME: '/nowhere' } });
    assert.deepEqual([code, out], [2, []], argv.join(' '));
    assert.match(err, message);
  }
});

test('what was typed is repeated without its secrets', async () => {
  const { err } = await runCommand(['login', '--kye=phk_do-not-show', 'whsec_nor/this==']);
  assert.match(err, /unknown option '--kye=phk_\.\.\.'/);
  assert.ok(!err.includes('do-not-show'));
});

test('a fault of ours is one line, and its stack is for who asks for it', async () => {
  const failing = {
    onLine() {
      throw new Error('it broke with whsec_abc');
    },
  };
  const argv = ['profiles', 'list', '--help'];
  const { code, err } = await runCommand(argv, failing);
  assert.deepEqual(
    [code, err],
    [1, 'posthorn: it broke with whsec_... (POSTHORN_DEBUG=1 shows where.)\n'],
  );
  const traced = await runCommand(argv, { ...failing, env: { POSTHORN_DEBUG: '1' } });
  assert.match(traced.err, /^posthorn: Error: it broke with whsec_\.\.\.\n +at /);
});

test('the program itself: a reader that hangs up is no error', () => {
  const pipe = `"${process.execPath}" "${BIN}" serve --help | true; echo done`;
  const shown = spawnSync('sh', ['-c', pipe], { encoding: 'utf8' });
  assert.deepEqual([shown.stdout, shown.stderr], ['done\n', '']);
});
