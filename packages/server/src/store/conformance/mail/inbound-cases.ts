import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPerson } from '../../../core/erase-person.ts';
import { StoreConflict } from '../../engine.ts';
import type { InboundRoute } from '../../mail/inbound-routes.ts';
import type { ReceivedMail } from '../../mail/received-mail.ts';
import {
  DAY_MS,
  NOW_MS,
  type OpenEngine,
  type Sandbox,
  useStore,
  withOwnStore,
} from '../sandbox.ts';

const RAW = Buffer.from([0, 255, 13, 10, 65]);

function routeOf({ ids, projectId }: Sandbox, fields: Partial<InboundRoute> = {}): InboundRoute {
  return {
    projectId,
    id: ids.next('inboundRoute'),
    pattern: 'support@in.test',
    domain: 'in.test',
    priority: 100,
    action: 'receive',
    description: '',
    tags: ['a', '🙂'],
    version: 1,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    ...fields,
  };
}

function mailOf({ ids, projectId }: Sandbox, fields: Partial<ReceivedMail> = {}): ReceivedMail {
  const id = ids.next('received');
  return {
    projectId,
    id,
    recipient: 'support@in.test',
    routeId: null,
    envelopeFrom: 'anna@person.test',
    headerFrom: 'anna@person.test',
    subject: 'Hello\u0000',
    smtpId: '<1@person.test>',
    digest: `digest of ${id}`,
    sizeBytes: RAW.length,
    details: { automatic: null, headers: [{ name: 'To', value: 'support@in.test' }] },
    createdAtMs: NOW_MS,
    retainUntilMs: NOW_MS + 30 * DAY_MS,
    ...fields,
  };
}

const BODY = { raw: RAW, retainUntilMs: NOW_MS + 7 * DAY_MS };

export function describeInbound(open: OpenEngine): void {
  describe('mail that comes in', () => {
    const sandbox = useStore(open);

    async function put(box: Sandbox, fields: Partial<ReceivedMail> = {}): Promise<ReceivedMail> {
      const mail = mailOf(box, fields);
      await box.log.append([], box.store.receivedMail.insertion(mail, BODY));
      return mail;
    }

    test('a route is read back, found by its domain, changed by who knows its version, and removed', async () => {
      const box = await sandbox();
      const { inboundRoutes } = box.store;
      const route = routeOf(box);
      await box.log.append([], [inboundRoutes.insertion(route)]);
      assert.deepEqual(await inboundRoutes.get(box.projectId, route.id), route);
      assert.deepEqual(await inboundRoutes.ofDomains(box.projectId, ['x.test', 'in.test']), [
        route,
      ]);
      assert.deepEqual(await inboundRoutes.ofDomains(box.projectId, []), []);
      assert.deepEqual(await inboundRoutes.ofDomains('prj_other', ['in.test']), []);
      const changed: InboundRoute = { ...route, action: 'refuse', tags: [], version: 2 };
      await box.log.append([], [inboundRoutes.update(route, changed)]);
      await assert.rejects(
        box.log.append([], [inboundRoutes.update(route, changed)]),
        StoreConflict,
      );
      assert.deepEqual(await inboundRoutes.get(box.projectId, route.id), changed);
      await assert.rejects(box.log.append([], [inboundRoutes.removal(route)]), StoreConflict);
      await box.log.append([], [inboundRoutes.removal(changed)]);
      assert.equal(await inboundRoutes.get(box.projectId, route.id), null);
    });

    test('a project has each pattern once', async () => {
      const box = await sandbox();
      const { inboundRoutes } = box.store;
      const route = routeOf(box);
      await box.log.append([], [inboundRoutes.insertion(route)]);
      const twin = routeOf(box);
      const pattern = { text: route.pattern, domain: route.domain };
      assert.deepEqual(await inboundRoutes.findPattern(box.projectId, pattern), route);
      assert.equal(await inboundRoutes.findPattern('prj_other', pattern), null);
      await assert.rejects(box.log.append([], [inboundRoutes.insertion(twin)]), StoreConflict);
      const other = await sandbox();
      await other.log.append([], [other.store.inboundRoutes.insertion(routeOf(other))]);
    });

    test('routes are listed newest first, page by page', async () => {
      const box = await sandbox();
      const { inboundRoutes } = box.store;
      const routes = ['a', 'b', 'c'].map((one) => routeOf(box, { pattern: `${one}@in.test` }));
      for (const route of routes) await box.log.append([], [inboundRoutes.insertion(route)]);
      const first = await inboundRoutes.list({
        projectId: box.projectId,
        limit: 2,
        beforeId: null,
      });
      assert.deepEqual(
        first.rows.map(({ pattern }) => pattern),
        ['c@in.test', 'b@in.test'],
      );
      const rest = await inboundRoutes.list({
        projectId: box.projectId,
        limit: 2,
        beforeId: routes[1]?.id ?? null,
      });
      assert.deepEqual(
        rest.rows.map(({ pattern }) => pattern),
        ['a@in.test'],
      );
    });

    test('a mail is read back as it was stored, and is not stored twice', async () => {
      const box = await sandbox();
      const { receivedMail } = box.store;
      const mail = await put(box);
      assert.deepEqual(await receivedMail.get(box.projectId, mail.id), mail);
      const raw = await receivedMail.raw(box.projectId, mail.id);
      assert.deepEqual(Buffer.from(raw ?? []), RAW);
      assert.equal(await receivedMail.get('prj_other', mail.id), null);
      assert.equal(await receivedMail.raw('prj_other', mail.id), null);
      assert.equal(await receivedMail.hasDigest(box.projectId, mail.digest), true);
      assert.equal(await receivedMail.hasDigest('prj_other', mail.digest), false);
      const again = mailOf(box, { digest: mail.digest });
      const { event } = box.event({ type: 'email.received' });
      await assert.rejects(
        box.log.append(
          [{ projectId: box.projectId, event, dedupKey: null }],
          receivedMail.insertion(again, BODY),
        ),
        StoreConflict,
      );
      assert.equal(await box.store.events.get(box.projectId, event.id), null);
      assert.equal(await receivedMail.raw(box.projectId, again.id), null);
    });

    test('mail is listed by recipient and by route', async () => {
      const box = await sandbox();
      const { receivedMail } = box.store;
      const routeId = box.ids.next('inboundRoute');
      const first = await put(box, { routeId });
      const second = await put(box, { recipient: 'x@in.test' });
      const third = await put(box, { recipient: 'x@in.test', routeId });
      const list = async (filter: { recipient?: string; routeId?: string; beforeId?: string }) => {
        const page = await receivedMail.list({
          projectId: box.projectId,
          limit: 10,
          beforeId: null,
          recipient: null,
          routeId: null,
          ...filter,
        });
        return page.rows.map(({ id }) => id);
      };
      assert.deepEqual(await list({}), [third.id, second.id, first.id]);
      assert.deepEqual(await list({ recipient: 'x@in.test' }), [third.id, second.id]);
      assert.deepEqual(await list({ routeId }), [third.id, first.id]);
      assert.deepEqual(await list({ routeId, beforeId: third.id }), [first.id]);
    });

    test('a mail is removed with its bytes', async () => {
      const box = await sandbox();
      const { receivedMail } = box.store;
      const mail = await put(box);
      await box.log.append([], receivedMail.removal(box.projectId, mail.id));
      assert.equal(await receivedMail.get(box.projectId, mail.id), null);
      assert.equal(await receivedMail.raw(box.projectId, mail.id), null);
      await assert.rejects(
        box.log.append([], receivedMail.removal(box.projectId, mail.id)),
        StoreConflict,
      );
    });

    test('an erasure takes what the person wrote or was written, and his name elsewhere', async () => {
      const box = await sandbox();
      const { receivedMail, erasure } = box.store;
      const other = { envelopeFrom: 'bert@person.test', headerFrom: 'bert@person.test' };
      const written = await put(box);
      const gotten = await put(box, { ...other, recipient: 'Anna@person.test' });
      const named = await put(box, {
        ...other,
        subject: 'About anna@person.test',
        details: { cc: [{ address: 'anna@person.test' }] },
      });
      const untouched = await put(box, other);
      const walk = erasure.walks.find(({ name }) => name === 'received mail');
      const made = await walk?.step({
        projectId: box.projectId,
        person: createPerson('anna@person.test'),
        after: null,
        nowMs: NOW_MS,
      });
      await box.engine.commit({ events: [], statements: made?.statements ?? [] });
      assert.equal(made?.changed, 3);
      for (const { id } of [written, gotten]) {
        assert.equal(await receivedMail.get(box.projectId, id), null);
        assert.equal(await receivedMail.raw(box.projectId, id), null);
      }
      const kept = await receivedMail.get(box.projectId, named.id);
      assert.deepEqual(
        [kept?.subject, kept?.details],
        ['About [erased]', { cc: [{ address: '[erased]' }] }],
      );
      assert.deepEqual(await receivedMail.get(box.projectId, untouched.id), untouched);
    });

    test('the bytes go by their retention, and then the rest', async () =>
      withOwnStore(open, async (box) => {
        const { receivedMail } = box.store;
        const mail = await put(box);
        const purge = async (nowMs: number) => {
          while ((await box.engine.purgeExpired({ nowMs, limit: 10 })).more);
        };
        await purge(NOW_MS + 8 * DAY_MS);
        assert.equal(await receivedMail.raw(box.projectId, mail.id), null);
        assert.notEqual(await receivedMail.get(box.projectId, mail.id), null);
        await purge(NOW_MS + 31 * DAY_MS);
        assert.equal(await receivedMail.get(box.projectId, mail.id), null);
      }));

    test('routes go with their project', async () => {
      const box = await sandbox();
      await sandbox();
      const route = routeOf(box);
      await box.log.append([], [box.store.inboundRoutes.insertion(route)]);
      await box.store.projects.remove(box.projectId, NOW_MS);
      assert.equal(await box.store.inboundRoutes.get(box.projectId, route.id), null);
    });
  });
}
