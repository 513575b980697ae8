import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createKeyFile, replaceKeyFile, writeKeyFile } from './key-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-key-file-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const keyIn = (name: string): Buffer =>
  Buffer.from(readFileSync(join(folder, name), 'utf8').trim(), 'base64');
const keyOf = (byte: number): Buffer => Buffer.alloc(32, byte);

test('a key is made once, written over, and put in the place of another that is kept', () => {
  const at = (name: string): string => join(folder, name);
  createKeyFile(at('key'), keyOf(1));
  createKeyFile(at('key'), keyOf(2));
  assert.deepEqual(keyIn('key'), keyOf(1));
  writeKeyFile(at('new'), keyOf(3));
  writeKeyFile(at('new'), keyOf(4));
  assert.deepEqual(keyIn('new'), keyOf(4));
  replaceKeyFile(at('key'), at('new'), at('kept'));
  assert.deepEqual(keyIn('key'), keyOf(4));
  assert.deepEqual(keyIn('kept'), keyOf(1));
  // Cut short after the old one was kept, it is done again.
  writeKeyFile(at('new'), keyOf(5));
  replaceKeyFile(at('key'), at('new'), at('kept'));
  assert.deepEqual([keyIn('key'), keyIn('kept')], [keyOf(5), keyOf(1)]);
  assert.deepEqual(readdirSync(folder).sort(), ['kept', 'key']);
  for (const name of ['kept', 'key']) assert.equal(statSync(at(name)).mode & 0o777, 0o600);
});
