import assert from 'node:assert/strict';
import test from 'node:test';
import { hashPassword, isPassword } from './password.ts';

test('a password is known again, another one is not', async () => {
  const hash = await hashPassword('correct horse battery');
  assert.equal(await isPassword('correct horse battery', hash), true);
  assert.equal(await isPassword('correct horse batterz', hash), false);
  assert.equal(await isPassword('', hash), false);
});

test('the same password is never stored alike', async () => {
  assert.notEqual(await hashPassword('twelve letters'), await hashPassword('twelve letters'));
});

test('one that is typed in another Unicode form is the same', async () => {
  assert.equal(
    await isPassword('Zu\u0308rich 12345', await hashPassword('Z\u00fcrich 12345')),
    true,
  );
});

test('what is no hash of ours fits nothing', async () => {
  for (const hash of ['', 'plain', '!', 'bcrypt$10$x$y$z$a']) {
    assert.equal(await isPassword('x', hash), false);
  }
});
