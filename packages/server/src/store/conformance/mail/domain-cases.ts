import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreConflict } from '../../engine.ts';
import type { DkimKeyRecord, DomainRecord } from '../../mail/domains.ts';
import { DAY_MS, NOW_MS, type OpenEngine, type Sandbox, useStore } from '../sandbox.ts';

export function domainOf(
  { projectId, ids }: Sandbox,
  fields: Partial<DomainRecord> = {},
): DomainRecord {
  return {
    projectId,
    id: ids.next('domain'),
    name: 'xn--bcher-kva.test',
    settings: { returnPath: 'bounces', tracking: 'links' },
    version: 1,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    verifiedAtMs: null,
    checkedAtMs: null,
    check: null,
    ...fields,
  };
}

export function keyOf(domain: DomainRecord, fields: Partial<DkimKeyRecord> = {}): DkimKeyRecord {
  return {
    projectId: domain.projectId,
    domainId: domain.id,
    selector: 'ph1-rsa',
    algorithm: 'rsa',
    state: 'active',
    publicKey: 'MIIB',
    privateSealed: 'v1.a.b.c',
    createdAtMs: NOW_MS,
    retiredAtMs: null,
    ...fields,
  };
}

export function describeDomains(open: OpenEngine): void {
  describe('domains', () => {
    const sandbox = useStore(open);
    const commit = (
      { engine }: Sandbox,
      statements: Parameters<Sandbox['engine']['commit']>[0]['statements'],
    ) => engine.commit({ events: [], statements });

    test('are stored with their keys, once in a project, and are its alone', async () => {
      const box = await sandbox();
      const other = await sandbox();
      const { domains } = box.store;
      const check = { records: [], failing: ['spf a.test'], failingSinceMs: NOW_MS };
      const domain = domainOf(box, { check, checkedAtMs: NOW_MS, verifiedAtMs: NOW_MS - 1 });
      const keys = [keyOf(domain), keyOf(domain, { selector: 'ph2-rsa', state: 'next' })];
      await commit(box, domains.insertion(domain, keys));
      assert.deepEqual(await domains.get(box.projectId, domain.id), domain);
      assert.deepEqual(await domains.find(box.projectId, domain.name), domain);
      assert.deepEqual(await domains.keys(domain), keys);
      assert.equal(await domains.get(other.projectId, domain.id), null);
      assert.equal(await domains.find(other.projectId, domain.name), null);
      const page = { projectId: box.projectId, limit: 9, beforeId: null };
      assert.deepEqual((await domains.list(page)).rows, [domain]);
      await assert.rejects(commit(box, domains.insertion(domainOf(box), [])), StoreConflict);
      await commit(other, domains.insertion(domainOf(other), []));
      assert.equal(
        (await domains.all()).filter(({ name }) => name === domain.name).length >= 2,
        true,
      );
    });

    test('a change is stored once, and a check does not stand in its way', async () => {
      const box = await sandbox();
      const { domains } = box.store;
      const domain = domainOf(box);
      await commit(box, domains.insertion(domain, []));
      const checked = { ...domain, checkedAtMs: NOW_MS, verifiedAtMs: NOW_MS };
      await commit(box, domains.noteCheck(domain, checked));
      await assert.rejects(commit(box, domains.noteCheck(domain, checked)), StoreConflict);
      const settings = { returnPath: 'rp', tracking: 't' };
      const changed = { ...domain, settings, version: 2, updatedAtMs: NOW_MS + 1 };
      await commit(box, domains.update(domain, changed));
      await assert.rejects(commit(box, domains.update(domain, changed)), StoreConflict);
      const stored = await domains.get(box.projectId, domain.id);
      assert.deepEqual(stored, { ...changed, checkedAtMs: NOW_MS, verifiedAtMs: NOW_MS });
    });

    test('other nodes are told when the return path of a domain begins or ends to work', async () => {
      const box = await sandbox();
      const { domains, changes } = box.store;
      const domain = domainOf(box);
      await commit(box, domains.insertion(domain, []));
      const told = async (): Promise<number> => {
        const found = await changes.after(0);
        return found.filter(({ kind, id }) => kind === 'domain' && id === domain.id).length;
      };
      const checked = (before: DomainRecord, status: 'ok' | 'missing'): DomainRecord => ({
        ...before,
        checkedAtMs: (before.checkedAtMs ?? NOW_MS) + 1,
        check: {
          records: [
            {
              purpose: 'return_path',
              name: `${domain.settings.returnPath}.${domain.name}`,
              type: 'MX',
              required: false,
              expected: null,
              status,
              found: null,
              detail: null,
            },
          ],
          failing: [],
          failingSinceMs: null,
        },
      });
      let before = domain;
      const counts: number[] = [];
      for (const status of ['missing', 'ok', 'ok', 'missing'] as const) {
        const after = checked(before, status);
        await commit(box, domains.noteCheck(before, after));
        before = after;
        counts.push(await told());
      }
      assert.deepEqual(counts, [1, 2, 2, 3]);
    });

    test('next keys take over, the others lose their private half and go after a while', async () => {
      const box = await sandbox();
      const { domains } = box.store;
      const domain = domainOf(box);
      const keys = [keyOf(domain), keyOf(domain, { selector: 'ph2-rsa', state: 'next' })];
      await commit(box, domains.insertion(domain, keys));
      await commit(box, domains.activateNext(domain, NOW_MS + 5));
      const states = (await domains.keys(domain)).map((key) => [
        key.selector,
        key.state,
        key.privateSealed,
        key.retiredAtMs,
      ]);
      assert.deepEqual(states, [
        ['ph1-rsa', 'retired', '', NOW_MS + 5],
        ['ph2-rsa', 'active', 'v1.a.b.c', null],
      ]);
      const early = { state: 'retired', beforeMs: NOW_MS + 5 } as const;
      await commit(box, domains.removeKeys(domain, early, NOW_MS));
      assert.equal((await domains.keys(domain)).length, 2);
      const late = { state: 'retired', beforeMs: NOW_MS + 6 } as const;
      await commit(box, domains.removeKeys(domain, late, NOW_MS));
      assert.deepEqual(
        (await domains.keys(domain)).map((key) => key.selector),
        ['ph2-rsa'],
      );
    });

    test('are due by the time of their last check', async () => {
      const box = await sandbox();
      const { domains } = box.store;
      const at = [NOW_MS - 2 * DAY_MS, null, NOW_MS - DAY_MS, NOW_MS].map((checkedAtMs, i) =>
        domainOf(box, { name: `d${i}.test`, checkedAtMs }),
      );
      for (const domain of at) await commit(box, domains.insertion(domain, []));
      const due = (await domains.due(NOW_MS, 99))
        .filter(({ projectId }) => projectId === box.projectId)
        .map(({ name }) => name);
      assert.deepEqual(due, ['d1.test', 'd0.test', 'd2.test']);
      assert.equal((await domains.due(NOW_MS, 1)).length, 1);
    });

    test('go with their keys, alone or with their project', async () => {
      const box = await sandbox();
      const other = await sandbox();
      const { domains } = box.store;
      const [one, two] = [domainOf(box), domainOf(box, { name: 'two.test' })];
      for (const domain of [one, two]) {
        await commit(box, domains.insertion(domain, [keyOf(domain)]));
      }
      await commit(box, domains.removal(one, NOW_MS));
      await assert.rejects(commit(box, domains.removal(one, NOW_MS)), StoreConflict);
      assert.deepEqual(await domains.keys(one), []);
      assert.equal((await domains.keys(two)).length, 1);
      assert.ok(other.projectId !== box.projectId);
      await box.store.projects.remove(box.projectId, NOW_MS);
      assert.equal(await domains.get(box.projectId, two.id), null);
      assert.deepEqual(await domains.keys(two), []);
    });
  });
}
