import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readGuide } from './new-user.ts';

test('the way of a new user is in the README: six commands at most, and a receiver', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const { commands, receiver } = readGuide(readme);
  assert.ok(commands.length <= 6, commands.join('\n'));
  assert.match(commands[0] ?? '', /^git clone/);
  assert.match(commands[1] ?? '', /posthorn serve$/);
  assert.ok(commands.some((command) => /node receiver\.mjs/.test(command)));
  assert.match(receiver, /createReceiver/);
});

test('a command over several lines is one, also within quotes', () => {
  const lines = [
    '## Your first webhook in five minutes',
    '',
    '    curl a \\',
    "      -d 'b",
    "          c'",
    '',
    '    {"id": 1}',
    '',
    '```js',
    'code',
    '```',
    '',
    '## Next',
    '',
    '    curl c',
    '',
  ];
  const text = lines.join('\n');
  assert.deepEqual(readGuide(text), { commands: ["curl a -d 'b c'"], receiver: 'code\n' });
});
