import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UserRecord } from '../access/users.ts';
import { StoreConflict } from '../engine.ts';
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
        totp: null,
        oidcSubject: null,
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

    test('who comes by OpenID Connect is found by it, and is one user', async () => {
      const { store, ids } = await sandbox();
      const anna = userOf(ids.next('user'));
      const subject = `https://login.example ${anna.id}`;
      await store.users.insert(anna, []);
      assert.equal(await store.users.bySubject(subject), null);
      await store.users.linkSubject(anna.id, subject, []);
      assert.deepEqual(await store.users.bySubject(subject), { ...anna, oidcSubject: subject });
      await assert.rejects(store.users.linkSubject(anna.id, `${subject}-2`, []), StoreConflict);
      const ben = userOf(ids.next('user'));
      await store.users.insert(ben, []);
      await assert.rejects(store.users.linkSubject(ben.id, subject, []), StoreConflict);
    });

    test('rights change, and the last owner who may sign in stays', async () => {
      const { store, ids } = await sandbox();
      // Other cases may share the database: what they left does not count as an owner.
      for (const one of await store.users.all()) {
        if (one.role === 'owner') await store.users.remove(one.id, []).catch(() => {});
      }
      const owners = (await store.users.all()).filter(({ role }) => role === 'owner');
      const anna = userOf(ids.next('user'), { role: 'owner' });
      await store.users.insert(anna, []);
      for (const one of owners) await store.users.remove(one.id, []);
      const rights = { role: 'developer', projectIds: ['prj_1'], disabledAtMs: null } as const;
      const disabled = { ...rights, role: 'owner', disabledAtMs: NOW_MS } as const;
      await assert.rejects(store.users.changeRights(anna.id, rights, []), StoreConflict);
      await assert.rejects(store.users.changeRights(anna.id, disabled, []), StoreConflict);
      await assert.rejects(store.users.remove(anna.id, []), StoreConflict);
      const fewer = { ...rights, role: 'owner' } as const;
      await store.users.changeRights(anna.id, fewer, []);
      assert.deepEqual(await store.users.get(anna.id), { ...anna, ...fewer });
      const ben = userOf(ids.next('user'), { role: 'owner', disabledAtMs: NOW_MS });
      await store.users.insert(ben, []);
      await assert.rejects(store.users.remove(anna.id, []), StoreConflict);
      await store.users.changeRights(ben.id, fewer, []);
      await store.users.changeRights(anna.id, rights, []);
      await store.users.remove(anna.id, []);
      assert.equal(await store.users.get(anna.id), null);
      await assert.rejects(store.users.changeRights(anna.id, rights, []), StoreConflict);
    });

    test('a step of time and a recovery code are used up once', async () => {
      const { store, ids } = await sandbox();
      const anna = userOf(ids.next('user'));
      await store.users.insert(anna, []);
      const totp = { sealed: 'v1.x', step: 7, recoveryHashes: ['a', 'b'] };
      await store.users.change(anna.id, { name: 'A', passwordHash: 'h', totp }, []);
      assert.deepEqual(await store.users.get(anna.id), {
        ...anna,
        name: 'A',
        passwordHash: 'h',
        totp,
      });
      await assert.rejects(store.users.takeTotpStep(anna.id, 7), StoreConflict);
      await store.users.takeTotpStep(anna.id, 8);
      await assert.rejects(store.users.takeTotpStep(anna.id, 8), StoreConflict);
      await store.users.takeRecoveryCode(anna.id, totp, 'a');
      await assert.rejects(store.users.takeRecoveryCode(anna.id, totp, 'a'), StoreConflict);
      const left = (await store.users.get(anna.id))?.totp;
      assert.deepEqual(left, { ...totp, step: 8, recoveryHashes: ['b'] });
      await store.users.change(anna.id, { totp: null }, []);
      assert.equal((await store.users.get(anna.id))?.totp, null);
    });

    test('an invitation is taken once, and replaced by a newer one to the same address', async () => {
      const { store, ids, engine } = await sandbox();
      const invitationOf = (email: string) => {
        const id = ids.next('invitation');
        return {
          id,
          tokenHash: `hash of ${id}`,
          email,
          role: 'support',
          projectIds: ['prj_1'],
          createdAtMs: NOW_MS,
          expiresAtMs: NOW_MS + 1,
        } as const;
      };
      const email = `${ids.next('user').toLowerCase()}@example.com`;
      const [first, second] = [invitationOf(email), invitationOf(email)];
      await store.invitations.insert(first, []);
      assert.deepEqual(await store.invitations.find(first.tokenHash), first);
      await store.invitations.insert(second, []);
      assert.equal(await store.invitations.get(first.id), null);
      const listed = (await store.invitations.list()).filter((one) => one.email === email);
      assert.deepEqual(listed, [second]);
      const take = () =>
        engine.commit({ events: [], statements: [store.invitations.taking(second.id)] });
      await take();
      await assert.rejects(take(), StoreConflict);
      await assert.rejects(store.invitations.remove(second.id, []), StoreConflict);
    });

    test('the audit log is read from its end, page by page, and forgets what is old', async () => {
      const { store, ids } = await sandbox();
      const entries = [1, 2, 3].map((n) => ({
        id: ids.next('auditEntry'),
        userId: 'usr_1',
        userEmail: 'anna@example.com',
        remoteAddress: '192.0.2.1',
        action: 'POST /v1/keys',
        projectId: n === 1 ? null : 'prj_1',
        target: n === 2 ? null : 'key_1',
        createdAtMs: NOW_MS,
        retainUntilMs: NOW_MS + n,
      }));
      for (const entry of entries) await store.audit.insert(entry);
      const page = await store.audit.list({ limit: 2, beforeId: null });
      assert.deepEqual(page.rows, [entries[2], entries[1]]);
      assert.notEqual(page.nextCursor, null);
      const rest = await store.audit.list({ limit: 1, beforeId: entries[1]?.id ?? null });
      assert.deepEqual(rest.rows, [entries[0]]);
      await store.audit.purge(NOW_MS + 2);
      assert.deepEqual((await store.audit.list({ limit: 1, beforeId: null })).rows, [entries[2]]);
      const older = await store.audit.list({ limit: 1, beforeId: entries[2]?.id ?? null });
      assert.ok(older.rows.every(({ id }) => !entries.some((one) => one.id === id)));
    });

    test('a session is found until it ends; one person ends all of theirs and no others', async () => {
      const { store, ids, engine } = await sandbox();
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
      for (const one of [first, second, other]) await store.sessions.insert(one, []);
      await store.sessions.noteSeen(first.tokenHash, NOW_MS + 60);
      assert.deepEqual(await store.sessions.find(first.tokenHash), {
        ...first,
        seenAtMs: NOW_MS + 60,
      });
      await store.sessions.end(first.tokenHash);
      assert.equal(await store.sessions.find(first.tokenHash), null);
      await engine.commit({ events: [], statements: [store.sessions.ending(anna.id, null)] });
      assert.equal(await store.sessions.find(second.tokenHash), null);
      assert.deepEqual(await store.sessions.find(other.tokenHash), other);
      await store.sessions.purge(NOW_MS + 999);
      assert.deepEqual(await store.sessions.find(other.tokenHash), other);
      await store.sessions.purge(NOW_MS + 1_000);
      assert.equal(await store.sessions.find(other.tokenHash), null);
    });
  });
}
