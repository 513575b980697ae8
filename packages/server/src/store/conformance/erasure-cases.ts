import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPerson } from '../../core/erase-person.ts';
import type { SourcePayload } from '../../core/source.ts';
import { encodeAttemptTrace } from '../../core/webhooks/attempt-trace.ts';
import { packBytes } from '../../lib/pack.ts';
import { NODE, NOW_MS, type OpenEngine, RETENTION_MS, type Sandbox, useStore } from './sandbox.ts';
import { sinkOf } from './sink-cases.ts';

const ANNA = 'anna@person.test';
const BERT = 'bert@person.test';

/** Makes every walk to its end, as the job does. Returns how many rows were changed by each. */
async function erase({ engine, store, projectId }: Sandbox, address = ANNA) {
  const person = createPerson(address);
  const changed: Record<string, number> = {};
  for (const { name, step } of store.erasure.walks) {
    changed[name] = 0;
    let after: string | null = null;
    do {
      const made: Awaited<ReturnType<typeof step>> = await step({
        projectId,
        person,
        after,
        nowMs: NOW_MS + 50,
      });
      assert.ok(made.wait !== true, `${name} waits`);
      await engine.commit({ events: [], statements: made.statements });
      changed[name] += made.changed;
      after = made.last;
    } while (after !== null);
  }
  return changed;
}

/** All that the project has stored of events, deliveries and mail, as one text. */
async function dump({ engine: { db }, projectId }: Sandbox): Promise<string> {
  const tables = [
    'events',
    'deliveries',
    'attempts',
    'sink_refusals',
    'sink_places',
    'recipient_states',
    'messages',
    'transmissions',
  ] as const;
  const rows = await Promise.all(
    tables.map((table) =>
      db.selectFrom(table).selectAll().where('project_id', '=', projectId).execute(),
    ),
  );
  const bodies = await db
    .selectFrom('message_bodies')
    .select(['message_id', 'raw'])
    .where('project_id', '=', projectId)
    .execute();
  const raw = bodies.map((row) => Buffer.from(row.raw).toString());
  return JSON.stringify([rows, raw]);
}

/** A message to these addresses, with an event for each; returns its id and those of the events. */
async function send(box: Sandbox, addresses: string[], queued = false) {
  const { log, message, event, ids, store, projectId, engine } = box;
  const messageId = ids.next('message');
  const events = addresses.map((recipient) => event({ messageId, recipient }));
  await log.append(
    events,
    message({
      id: messageId,
      raw: Buffer.from(`To: ${addresses.join(', ')}\r\n\r\nHi\r\n`),
      fields: {
        subject: `For ${addresses[0]}`,
        metadata: { to: addresses },
        dsn: {
          ret: null,
          envid: null,
          recipients: addresses.map((recipient) => {
            return { recipient, notify: ['failure'], orcpt: `rfc822;${recipient}` };
          }),
        },
      },
      transmissions: addresses.map((recipient) => ({
        recipient,
        domain: 'person.test',
        node: queued ? null : NODE,
      })),
    }),
  );
  if (!queued) {
    const settled = addresses.map((recipient) =>
      store.messages.settlement({
        projectId,
        messageId,
        recipient,
        node: NODE,
        attempts: 1,
        state: 'delivered',
        reachedServer: true,
        dueAtMs: NOW_MS,
      }),
    );
    await engine.commit({ events: [], statements: settled });
  }
  return { messageId, eventIds: events.map(({ event: one }) => one.id) };
}

/** Webhooks of a provider: three that name Anna, each in its own way, and one that does not. */
async function storeWebhooks({ engine, store, ids, projectId }: Sandbox) {
  const payloadOf = async (text: string, recipients: string[]): Promise<SourcePayload> => {
    const id = ids.next('payload');
    return {
      projectId,
      id,
      sourceId: 'src_1',
      receivedAtMs: NOW_MS,
      request: { method: 'POST', query: '', headers: {} },
      ...(await packBytes(Buffer.from(text))),
      digest: id,
      recipients,
      decoded: [],
      retainUntilMs: NOW_MS + 1,
    };
  };
  const padding = 'x'.repeat(1_000);
  const payloads = [
    await payloadOf(JSON.stringify({ to: ANNA, padding }), []),
    await payloadOf(`to=${encodeURIComponent(ANNA)}&more=1`, [BERT]),
    await payloadOf('{"mail": "in base64"}', [BERT, ANNA.toUpperCase()]),
    await payloadOf(JSON.stringify({ to: BERT, from: `jo${ANNA}`, padding }), [BERT]),
  ];
  const statements = payloads.map((one) => store.sourcePayloads.insertion(one));
  await engine.commit({ events: [], statements });
  const range = { sourceId: null, fromId: null, toId: 'pay_~', afterId: null };
  return { ofBert: payloads[3]?.id, all: { projectId, ...range, limit: 9 } };
}

export function describeErasure(open: OpenEngine): void {
  describe('erasing a recipient', () => {
    const sandbox = useStore(open);

    test('leaves the address nowhere, and what is about others as it was', async () => {
      const box = await sandbox();
      const { store, engine, attempt, projectId, endpointId, event, log } = box;
      box.owes({ node: NODE });
      await send(box, [ANNA]);
      const both = await send(box, [ANNA, BERT]);
      const raw = { data: { raw: { email: ANNA.toUpperCase() } } };
      await log.append([event({ recipient: ANNA, ...raw }), event(raw)]);
      const [first = '', second = ''] = both.eventIds;
      const trace = encodeAttemptTrace({
        signature: 'v1,x',
        responseHeaders: ['x-user', `"${ANNA}"`],
        timing: null,
        sharedId: null,
      });
      const told = { responseExcerpt: `{"user":"${ANNA}"}`, errorDetail: `No <${ANNA}>`, trace };
      const retry = { state: 'pending', dueAtMs: NOW_MS, failures: 1 } as const;
      await engine.recordAttempt(attempt(first, { ...told, next: retry }));
      await engine.claimDeliveries(box.claim());
      await engine.recordAttempt(attempt(first, { ...told, number: 2 }));
      await engine.recordAttempt(attempt(second, { responseExcerpt: `ok ${BERT}` }));
      const sink = sinkOf(box);
      await store.sinks.insert(sink, 0, []);
      const refusals = [ANNA, BERT].map((address, i) => {
        return {
          eventId: both.eventIds[i] ?? '',
          code: 'refused',
          detail: `No ${address}`,
        } as const;
      });
      const step = { from: 0, to: 1, sent: 0, nowMs: NOW_MS, retainUntilMs: NOW_MS + RETENTION_MS };
      await store.sinkPlaces.advance({ ...sink, lane: 'live' }, { ...step, refusals });
      const note = { code: 'refused', detail: `"${ANNA}"?`, atMs: NOW_MS } as const;
      const trouble = { from: 1, failures: 1, failingSinceMs: NOW_MS, retryAtMs: NOW_MS, note };
      await store.sinkPlaces.fail({ ...sink, lane: 'live' }, trouble);
      const bertBefore = await store.events.body(projectId, second);
      const webhooks = await storeWebhooks(box);
      const changed = await erase(box);
      assert.deepEqual(changed, {
        payloads: 3,
        events: 4,
        deliveries: 1,
        attempts: 1,
        refusals: 1,
        'troubles of sinks': 1,
        transmissions: 2,
        transcripts: 0,
        messages: 1,
        states: 0,
        suppressions: 0,
        'soft bounces': 0,
        'parts of jobs': 0,
        'received mail': 0,
      });
      const place = await store.sinkPlaces.get({ ...sink, lane: 'live' });
      assert.equal(place?.lastError?.detail, '"[erased]"?');
      const text = await dump(box);
      assert.doesNotMatch(text, /anna/i);
      const left = await store.sourcePayloads.walk(webhooks.all);
      assert.deepEqual(
        left.map(({ id }) => id),
        [webhooks.ofBert],
      );
      assert.equal(await store.events.body(projectId, second), bertBefore);
      const kept = await store.deliveries.get(projectId, second, endpointId);
      assert.equal(kept?.last_response_excerpt, `ok ${BERT}`);
      const made = await store.deliveries.attempts(projectId, [first]);
      assert.deepEqual(
        made.map((one) => [one.response_excerpt, one.error_detail]),
        [1, 2].map(() => ['{"user":"[erased]"}', 'No <[erased]>']),
      );
      assert.deepEqual(JSON.parse(made[0]?.trace ?? '')[1], ['x-user', '"[erased]"']);
      const recipients = await store.messages.recipients(projectId, both.messageId);
      assert.deepEqual(
        recipients.map((row) => [row.recipient, row.queue, row.state]),
        [
          ['erased-0', 'delivered', 'delivered'],
          [BERT, 'delivered', 'delivered'],
        ],
      );
      const message = await store.messages.get(projectId, both.messageId);
      assert.deepEqual(
        [message?.subject, message?.metadata],
        ['For [erased]', { to: ['[erased]', BERT] }],
      );
      assert.deepEqual(
        message?.dsn?.recipients.map(({ recipient }) => recipient),
        ['[erased]', BERT],
      );
      // Whoever does it twice changes nothing more.
      const again = Object.values(await erase(box)).reduce((sum, count) => sum + count, 0);
      assert.equal(again, 0);
    });

    test('takes with it a message that went to nobody else', async () => {
      const box = await sandbox();
      box.owes();
      const { messageId } = await send(box, [ANNA]);
      const other = await send(box, [BERT]);
      await erase(box);
      const message = await box.store.messages.get(box.projectId, messageId);
      assert.deepEqual([message?.subject, message?.metadata, message?.dsn], [null, {}, null]);
      assert.deepEqual(message?.tags, []);
      assert.equal(await box.store.messages.raw(box.projectId, messageId), null);
      assert.ok(await box.store.messages.raw(box.projectId, other.messageId));
    });

    test('sends nothing more to the person, and what is queued for others still goes', async () => {
      const box = await sandbox();
      const { store, engine, projectId } = box;
      box.owes();
      const alone = await send(box, [ANNA], true);
      const both = await send(box, [ANNA, BERT], true);
      await erase(box);
      const claim = { nowMs: NOW_MS + 60, limit: 100, node: NODE, exceptDomains: [] };
      const { transmissions } = await engine.claimTransmissions(claim);
      const ours = transmissions.filter((one) => one.projectId === projectId);
      assert.deepEqual(
        ours.map((one) => [one.messageId, one.recipient]),
        [[both.messageId, BERT]],
      );
      assert.equal(await store.messages.raw(projectId, alone.messageId), null);
      assert.ok(await store.messages.raw(projectId, both.messageId));
      const body = await engine.db
        .selectFrom('message_bodies')
        .select('retain_until')
        .where('message_id', '=', both.messageId)
        .executeTakeFirstOrThrow();
      assert.equal(body.retain_until, NOW_MS + 50);
    });

    test('waits for mail that is being sent to the person right now', async () => {
      const box = await sandbox();
      const { engine, store, message, ids, projectId, log } = box;
      const messageId = ids.next('message');
      const transmissions = [{ recipient: ANNA, node: NODE }];
      await log.append([], message({ id: messageId, transmissions }));
      const walk = store.erasure.walks.find(({ name }) => name === 'transmissions');
      assert.ok(walk);
      const input = { projectId, person: createPerson(ANNA), after: null, nowMs: NOW_MS };
      assert.deepEqual(await walk.step(input), {
        statements: [],
        changed: 0,
        last: null,
        wait: true,
      });
      const outcome = { projectId, messageId, recipient: ANNA, node: NODE, attempts: 1 };
      const settled = { state: 'delivered', reachedServer: true, dueAtMs: NOW_MS } as const;
      const settlement = store.messages.settlement({ ...outcome, ...settled });
      await engine.commit({ events: [], statements: [settlement] });
      assert.equal((await walk.step(input)).changed, 1);
    });

    test('cancels what its events are still owed, and lets the line behind them go on', async () => {
      const box = await sandbox();
      const { store, projectId, endpointId, log, event } = box;
      const orderKey = 'k';
      box.owes({ orderKey }, { endpointId: 'ep_plain' }, { endpointId: 'ep_held', node: NODE });
      const hers = event({ recipient: ANNA });
      await log.append([hers]);
      box.owes({ orderKey });
      const behind = event({ recipient: BERT });
      await log.append([behind]);
      const walk = store.erasure.walks.find(({ name }) => name === 'events');
      const person = createPerson(ANNA);
      const made = await walk?.step({ projectId, person, after: null, nowMs: NOW_MS + 9 });
      assert.deepEqual(made?.due, [endpointId]);
      await box.engine.commit({ events: [], statements: made?.statements ?? [] });
      const rows = await store.deliveries.ofEvents(projectId, [hers.event.id, behind.event.id]);
      assert.deepEqual(
        rows.map((row) => [row.event_id === hers.event.id, row.state, row.node, row.due_at]).sort(),
        [
          [false, 'pending', null, NOW_MS + 9],
          [true, 'canceled', null, null],
          [true, 'canceled', null, null],
          [true, 'pending', NODE, NOW_MS],
        ],
      );
    });

    test('goes through more than one step can look at, and stays within the project', async () => {
      const box = await sandbox();
      const other = await sandbox();
      for (const { log, event } of [box, other]) {
        const events = Array.from({ length: 2_100 }, (_, i) =>
          event({ recipient: i % 700 === 699 ? ANNA : BERT, messageId: `odd/key "${i}"` }),
        );
        await log.append(events);
      }
      const before = await dump(other);
      const changed = await erase(box);
      assert.deepEqual([changed['events'], changed['states']], [3, 3]);
      assert.doesNotMatch(await dump(box), /anna/);
      assert.equal(await dump(other), before);
    });
  });
}
