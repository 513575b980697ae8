import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { COMMAND_GROUPS } from '../commands.ts';
import { runCommand } from '../fixtures/run-command.ts';
import { listPlaces } from './completion-table.ts';

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;
const skipWithout = (shell: string) => ({
  skip: has(shell) ? false : `allowed: ${shell} is not installed`,
});

const folder = mkdtempSync(join(tmpdir(), 'posthorn-completion-'));
after(() => rmSync(folder, { recursive: true }));

const scripts = new Map<string, string>();
before(async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    scripts.set(shell, (await runCommand(['completion', shell])).out.join('\n'));
  }
});

/** Out of a file, as shells do it: an argument may have 128 kB at most on Linux. */
function runShell(shell: string, script: string): string[] {
  const file = join(folder, shell);
  writeFileSync(file, script);
  const { stdout, stderr, status } = spawnSync(shell, [file], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, ''], script.slice(-300));
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash offers what can stand there, and nothing else', skipWithout('bash'), () => {
  const complete = (line: string): string[] => {
    const words = line.split(' ');
    const call = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`;
    return runShell(
      'bash',
      `${scripts.get('bash')}\n${call}; _posthorn; printf '%s\\n' "\${COMPREPLY[@]}"`,
    );
  };
  assert.deepEqual(complete('posthorn me'), ['messages']);
  assert.deepEqual(complete('posthorn messages '), [
    ...['list', 'show', 'cancel', 'resend', 'release', 'drop'],
    '--help',
  ]);
  assert.deepEqual(complete('posthorn deliveries list --st'), ['--state']);
  assert.deepEqual(complete('posthorn deliveries list --state d'), ['delivered', 'dead']);
  // The value of an option is no command, and is the user's to say.
  assert.deepEqual(complete('posthorn deliveries list --endpoint messages --st'), ['--state']);
  assert.deepEqual(complete('posthorn send --subject '), []);
  assert.ok(complete('posthorn messages list --').includes('--profile'));
  assert.ok(!complete('posthorn serve --').includes('--profile'));
  assert.deepEqual(complete('posthorn nonsense --ver'), ['--version']);
});

test('fish offers the same, with descriptions', skipWithout('fish'), () => {
  const complete = (line: string): string[] =>
    runShell('fish', `${scripts.get('fish')}\ncomplete -C '${line}'`);
  assert.match(
    complete('posthorn profiles ').join('\n'),
    /^list\tList the saved .*\nremove\tForget .*\nuse\tUse another /,
  );
  assert.deepEqual(
    complete('posthorn deliveries list --state d').map((line) => line.split('\t')[0]),
    ['dead', 'delivered'],
  );
  assert.match(complete('posthorn messages list --reci').join(), /^--recipient\tonly messages to/);
});

test('zsh reads its script', skipWithout('zsh'), () => {
  const script = `autoload -Uz compinit && compinit -u -D\n${scripts.get('zsh')}\nprint -- $_comps[posthorn]`;
  assert.deepEqual(runShell('zsh', script), ['_posthorn']);
});

test('every command and option of the table is in each of the scripts', () => {
  const places = listPlaces(COMMAND_GROUPS);
  assert.ok(places.length > 50);
  for (const [shell, script] of scripts) {
    for (const { path, words, options } of places) {
      assert.ok(script.includes(path), `${shell}: ${path}`);
      for (const { word } of words) assert.ok(script.includes(word), `${shell}: ${word}`);
      for (const { flag } of options) {
        assert.ok(
          script.includes(shell === 'fish' ? `-l ${flag.slice(2)}` : flag),
          `${shell}: ${flag}`,
        );
      }
    }
  }
});

test('another shell is refused with those that there are', async () => {
  const { code, err } = await runCommand(['completion', 'bsh']);
  assert.equal(code, 2);
  assert.match(err, /no completion for "bsh"\. Did you mean "bash"/);
});
