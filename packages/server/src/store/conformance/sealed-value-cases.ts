import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSecretBox } from '../../lib/secrets/secret-box.ts';
import {
  answerContext,
  createSealedValues,
  dkimContext,
  endpointContext,
  sinkContext,
  sourceContext,
  totpContext,
} from '../sealed-values.ts';
import { domainOf, keyOf } from './mail/domain-cases.ts';
import { DAY_MS, NOW_MS, type OpenEngine, type Sandbox, useStore } from './sandbox.ts';
import { sinkOf } from './sink-cases.ts';
import { sourceOf } from './source-cases.ts';

const from = createSecretBox(Buffer.alloc(32, 1));
const to = createSecretBox(Buffer.alloc(32, 2));

/** What is sealed with the master key, and its change for another. */
export function describeSealedValues(open: OpenEngine): void {
  describe('sealed values', () => {
    const sandbox = useStore(open);

    async function insertEndpoint({ store, endpoint }: Sandbox, id: string): Promise<string> {
      const record = endpoint({ id });
      const secretsSealed = from.seal(`secret of ${id}`, endpointContext(record));
      await store.endpoints.insert({ ...record, secretsSealed }, []);
      return endpointContext(record);
    }

    const answerOf = ({ projectId }: Sandbox, key: string, retainUntilMs: number) => ({
      project_id: projectId,
      key,
      request_hash: 'h',
      status: 201,
      body_sealed: from.seal(`answer to ${key}`, answerContext({ projectId, key })),
      retain_until: retainUntilMs,
    });

    test('the store knows the key that it was begun with', async () => {
      const { engine } = await sandbox();
      const sealed = createSealedValues(engine);
      // Other cases may share the database.
      await sealed.begin(from);
      assert.equal(await sealed.fits(from), true);
      assert.equal(await sealed.fits(to), false);
    });

    test('what keys are derived from is made once, and stays when the master key does not', async () => {
      const { engine } = await sandbox();
      const sealed = createSealedValues(engine);
      const first = await sealed.root(from, Buffer.alloc(32, 3));
      assert.deepEqual(await sealed.root(from, Buffer.alloc(32, 4)), first);
      await sealed.reseal({ from, to }, NOW_MS);
      assert.deepEqual(await sealed.root(to, Buffer.alloc(32, 5)), first);
      await assert.rejects(sealed.root(from, Buffer.alloc(32, 6)), /does not open/);
      await sealed.reseal({ from: to, to: from }, NOW_MS);
    });

    test('everything opens with the new key afterwards, and nothing with the old one', async () => {
      const box = await sandbox();
      const { engine, store, log, ids, projectId } = box;
      const sealed = createSealedValues(engine);
      await sealed.begin(from);
      const endpoints = [ids.next('endpoint'), ids.next('endpoint')];
      for (const id of endpoints) await insertEndpoint(box, id);
      const { remember, find } = store.idempotency;
      await log.append([], remember(answerOf(box, 'kept', NOW_MS + DAY_MS), NOW_MS));
      const source = { projectId, id: ids.next('source') };
      const sourceSealed = from.seal('secrets of a source', sourceContext(source));
      await store.sources.insert(sourceOf(box, { ...source, secretsSealed: sourceSealed }), []);
      const sink = { projectId, id: ids.next('sink') };
      const sinkSealed = from.seal('secrets of a sink', sinkContext(sink));
      await store.sinks.insert(sinkOf(box, { ...sink, secretsSealed: sinkSealed }), 0, []);
      const domain = domainOf(box);
      const key = keyOf(domain);
      const keySealed = from.seal('a private key', dkimContext(key));
      const retired = keyOf(domain, { selector: 'old', state: 'retired', privateSealed: '' });
      const keys = [{ ...key, privateSealed: keySealed }, retired];
      await engine.commit({ events: [], statements: store.domains.insertion(domain, keys) });
      const userId = ids.next('user');
      const totp = {
        sealed: from.seal('a second factor', totpContext(userId)),
        step: 1,
        recoveryHashes: [],
      };
      await store.users.insert(
        {
          id: userId,
          email: `${userId.toLowerCase()}@example.com`,
          name: '',
          passwordHash: '',
          role: 'support',
          projectIds: null,
          createdAtMs: NOW_MS,
          disabledAtMs: null,
          totp,
          oidcSubject: null,
        },
        [],
      );
      const outcome = await sealed.reseal({ from, to }, NOW_MS);
      assert.ok(outcome.dkimKeys >= 1 && outcome.secondFactors >= 1);
      const factor = (await store.users.get(userId))?.totp?.sealed ?? '';
      assert.equal(to.open(factor, totpContext(userId)), 'a second factor');
      const [old, signing] = await store.domains.keys(domain);
      assert.equal(to.open(signing?.privateSealed ?? '', dkimContext(key)), 'a private key');
      assert.equal(old?.privateSealed, '');
      assert.ok(outcome.endpoints >= 2 && outcome.sources >= 1 && outcome.answers >= 1);
      const resealed = (await store.sources.get(projectId, source.id))?.secretsSealed ?? '';
      assert.equal(to.open(resealed, sourceContext(source)), 'secrets of a source');
      const ofSink = (await store.sinks.get(projectId, sink.id))?.secretsSealed ?? '';
      assert.equal(to.open(ofSink, sinkContext(sink)), 'secrets of a sink');
      for (const id of endpoints) {
        const record = await store.endpoints.get(projectId, id);
        const context = endpointContext({ projectId, id });
        const text = record?.secretsSealed ?? '';
        assert.equal(to.open(text, context), `secret of ${id}`);
        assert.throws(() => from.open(text, context), /does not open/);
        // No person has changed it.
        assert.equal(record?.version, 1);
      }
      const answer = await find(projectId, 'kept', NOW_MS);
      const context = answerContext({ projectId, key: 'kept' });
      assert.equal(to.open(answer?.body_sealed ?? '', context), 'answer to kept');
      assert.deepEqual([await sealed.fits(from), await sealed.fits(to)], [false, true]);
      await sealed.reseal({ from: to, to: from }, NOW_MS);
    });

    test('deleted endpoints have nothing to seal, and expired answers are dropped', async () => {
      const box = await sandbox();
      const { engine, store, log, ids, projectId } = box;
      const sealed = createSealedValues(engine);
      await sealed.begin(from);
      const id = ids.next('endpoint');
      await insertEndpoint(box, id);
      await store.endpoints.remove(projectId, id, NOW_MS);
      const { remember, find } = store.idempotency;
      await log.append([], remember(answerOf(box, 'old', NOW_MS), NOW_MS - 1));
      await sealed.reseal({ from, to }, NOW_MS);
      assert.equal(await find(projectId, 'old', NOW_MS - 1), null);
      await sealed.reseal({ from: to, to: from }, NOW_MS);
    });

    test('with a key that does not open one of them, nothing is changed', async () => {
      const box = await sandbox();
      const { engine, store, ids, endpoint, projectId } = box;
      const sealed = createSealedValues(engine);
      await sealed.begin(from);
      const first = ids.next('endpoint');
      const context = await insertEndpoint(box, first);
      const strange = endpoint({ id: ids.next('endpoint') });
      const secretsSealed = to.seal('x', endpointContext(strange));
      await store.endpoints.insert({ ...strange, secretsSealed }, []);
      await assert.rejects(sealed.reseal({ from, to }, NOW_MS), /does not open/);
      const record = await store.endpoints.get(projectId, first);
      assert.equal(from.open(record?.secretsSealed ?? '', context), `secret of ${first}`);
      assert.equal(await sealed.fits(from), true);
      await store.endpoints.remove(projectId, strange.id, NOW_MS);
    });
  });
}
