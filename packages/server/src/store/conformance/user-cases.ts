import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreConflict } from '../engine.ts';
import type { UserRecord } from '../users.ts';
import { NOW_MS, type OpenEngine, useStore } from './sandbox.ts';

/** People who sign in to the portal, and their sessions. */
export function describeUsers(open: OpenEngine): void {
  describe('users and sessions', () => {
    const sandbox = useStore(open);
    let made = 0;

    function userOf(id: string, fields: Partial<UserRecord> = {}): UserRecord {
      made += 1;
      return {
        id,
        email: `anna-${id.toLowerCase()}-${made}@example.com`,
        name: 'Anna',
        passwordHash: 'scrypt$15$8$1$c2FsdA$a2V5',
        role: 'developer',
        projectIds: null,
        createdAtMs: NOW_MS,
        disabledAtMs: null,
        ...fields,
      };
    }

    test('a user is found by id and by address, whatever its case', async () => {
      const { store, ids } = await sandbox();
      const before = await store.users.count();
      const user = userOf(ids.next('user'), { projectIds: ['prj_1', 'prj_2'] });
      await store.users.insert(user, []);
      assert.deepEqual(await store.users.get(user.id), user);
      assert.deepEqual(await store.users.byEmail(user.email.toUpperCase()), user);
      assert.equal(await store.users.count(), before + 1);
      assert.equal(await store.users.byEmail('nobody@example.com'), null);
    });

    test('an address belongs to one user', async () => {
      const { store, ids } = await sandbox();
      const user = userOf(ids.next('user'));
      await store.users.insert(user, []);
      const second = { ...user, id: ids.next('user') };
      await assert.rejects(store.users.insert(second, []), StoreConflict);
      assert.equal(await store.users.get(second.id), null);
    });

    test('a session is found until it ends; one person ends all of theirs and no others', async () => {
      const { store, ids } = await sandbox();
      const [anna, ben] = [userOf(ids.next('user')), userOf(ids.next('user'))];
      await store.users.insert(anna, []);
      await store.users.insert(ben, []);
      const sessionOf = (tokenHash: string, userId: string) => ({
        tokenHash: `${tokenHash}-${userId}`,
        userId,
        createdAtMs: NOW_MS,
        seenAtMs: NOW_MS,
        expiresAtMs: NOW_MS + 1_000,
      });
      const [first, second] = [sessionOf('a', anna.id), sessionOf('b', anna.id)];
      const other = sessionOf('c', ben.id);
      for (const one of [first, second, other]) await store.sessions.insert(one);
      await store.sessions.noteSeen(first.tokenHash, NOW_MS + 60);
      assert.deepEqual(await store.sessions.find(first.tokenHash), {
        ...first,
        seenAtMs: NOW_MS + 60,
      });
      await store.sessions.end(first.tokenHash);
      assert.equal(await store.sessions.find(first.tokenHash), null);
      await store.sessions.endAll(anna.id);
      assert.equal(await store.sessions.find(second.tokenHash), null);
      assert.deepEqual(await store.sessions.find(other.tokenHash), other);
      await store.sessions.purge(NOW_MS + 999);
      assert.deepEqual(await store.sessions.find(other.tokenHash), other);
      await store.sessions.purge(NOW_MS + 1_000);
      assert.equal(await store.sessions.find(other.tokenHash), null);
    });
  });
}
