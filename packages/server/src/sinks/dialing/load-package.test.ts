import assert from 'node:assert/strict';
import { test } from 'node:test';
import { troubleOf } from '../fixtures/test-sink-kind.ts';
import { loadPackage } from './load-package.ts';

test('a package that is not installed is named with its install command', async () => {
  const name: string = 'posthorn-has-no-such-package';
  const { code, message } = await troubleOf(loadPackage(name, () => import(name)));
  assert.equal(code, 'package_missing');
  assert.match(message, /Run: npm install posthorn-has-no-such-package$/);
  const broken = async () => {
    throw new Error('it is there, and broken');
  };
  await assert.rejects(loadPackage(name, broken), /it is there, and broken/);
});
