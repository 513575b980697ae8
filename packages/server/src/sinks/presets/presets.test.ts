import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { EVENT_TYPES } from '@posthorn/sdk';
import { z } from 'zod';
import { compileEventFilter } from '../../core/events/event-filter.ts';
import { sampleEvent } from '../../core/events/event-samples.ts';
import { createExpressionEvaluator } from '../../lib/expression/evaluator.ts';
import { evaluateValue } from '../../lib/expression/fixtures/evaluate-value.ts';
import type { SinkItem } from '../contract.ts';
import { openScripted, type Said, troubleOf } from '../fixtures/scripted-http.ts';
import { toItem } from '../fixtures/to-item.ts';
import { SINK_PRESETS } from './sink-presets.ts';

// What the vendors' references say that their APIs take; the services themselves cannot run here.

const evaluator = createExpressionEvaluator();
after(() => evaluator.close());

const evaluate = (expression: string, input: unknown): Promise<unknown> =>
  evaluateValue(evaluator, expression, input);

const text = z.string().min(1);
const TAKEN: Record<string, { settings: object; body: z.ZodType; answer: Said }> = {
  'hubspot-contacts': {
    settings: { token: 'pat-eu1-secret' },
    body: z.strictObject({
      inputs: z.tuple([
        z.strictObject({
          idProperty: z.literal('email'),
          id: z.email().lowercase(),
          properties: z.strictObject({
            posthorn_last_event: text,
            posthorn_last_event_at: z.iso.datetime(),
            posthorn_last_answer: z.string(),
          }),
        }),
      ]),
    }),
    answer: { json: { status: 'COMPLETE', results: [{ id: '1', new: true }] } },
  },
  'hubspot-events': {
    settings: { token: 'pat-eu1-secret', event_name: 'pe1234567_mail' },
    body: z.strictObject({
      eventName: z.literal('pe1234567_mail'),
      email: z.email(),
      occurredAt: z.iso.datetime(),
      uuid: text,
      properties: z.strictObject({
        mail_event: text,
        subject: text.optional(),
        answer: text.optional(),
        link: text.optional(),
        message_id: text.optional(),
      }),
    }),
    answer: { status: 204, text: '' },
  },
  'salesforce-records': {
    settings: { domain: 'acme.my.salesforce.com', client_id: 'key', client_secret: 'hidden' },
    // Neither Id nor the external id: with them it is refused.
    body: z.strictObject({
      Type__c: text.max(60),
      Occurred_At__c: z.iso.datetime(),
      Recipient__c: z.email().optional(),
      Subject__c: text.max(255).optional(),
      Answer__c: text.max(2_000).optional(),
      Link__c: text.max(4_000).optional(),
      Message_Id__c: text.max(40).optional(),
    }),
    answer: { status: 201, json: { id: 'a01', success: true, errors: [], created: true } },
  },
};

function made(name: string) {
  const preset = SINK_PRESETS.find((one) => one.preset === name);
  const { settings = {} } = TAKEN[name] ?? {};
  assert.ok(preset, name);
  return { preset, ...preset.make(preset.settings.parse(settings)) };
}

test('every preset is tried here', () => {
  assert.deepEqual(Object.keys(TAKEN).sort(), SINK_PRESETS.map(({ preset }) => preset).sort());
});

for (const [name, { body, answer }] of Object.entries(TAKEN)) {
  test(`${name}: what is made of an event of each type is what the API takes`, async () => {
    const { preset, settings, transformation } = made(name);
    const wanted = compileEventFilter(preset.eventTypes);
    const items: SinkItem[] = [];
    for (const [position, type] of EVENT_TYPES.filter((one) => wanted.has(one)).entries()) {
      const event = sampleEvent(type, { id: `evt_${position}`, atMs: 1_795_341_600_000 });
      const sent = await evaluate(transformation, event);
      body.parse(sent);
      assert.ok(JSON.stringify(sent).includes(`"${type}"`));
      items.push(toItem(position, event, sent));
      // What is long, or is not said, does no harm.
      const long = 'x'.repeat(9_000);
      event.data.message = { id: 'msg_1', subject: long } as never;
      event.data.delivery = { response: long } as never;
      const cut = (await evaluate(transformation, event)) as object;
      if (name === 'salesforce-records') body.parse(cut);
      event.data.message = { id: null, subject: null } as never;
      event.data.delivery = { response: null } as never;
      delete event.data.reject;
      body.parse(await evaluate(transformation, event));
    }
    const { asked, send } = await openScripted('http', settings, ({ url }) =>
      url.endsWith('/token') ? { json: { access_token: 'token' } } : answer,
    );
    assert.deepEqual(await send(items), []);
    const [first] = asked.filter(({ url }) => !url.endsWith('/token'));
    assert.match(first?.headers['authorization'] ?? '', /^Bearer (token|pat-eu1-secret)$/);
    assert.equal(first?.headers['content-type'], 'application/json');
  });
}

test('an event that is about nobody is none of HubSpot', async () => {
  const event = sampleEvent('endpoint.failing', { id: 'evt_1', atMs: 0 });
  for (const name of ['hubspot-contacts', 'hubspot-events']) {
    assert.equal(await evaluate(made(name).transformation, event), undefined);
  }
});

test('an answer of HubSpot that names errors puts the event aside', async () => {
  const errors = [{ category: 'VALIDATION_ERROR', message: 'Property does not exist' }];
  const json = { status: 'COMPLETE', results: [], numErrors: 1, errors };
  const { settings } = made('hubspot-contacts');
  const { send } = await openScripted('http', settings, () => ({ status: 207, json }));
  const event = sampleEvent('email.bounced', { id: 'evt_1', atMs: 0 });
  const [refusal] = await send([toItem(1, event, {})]);
  assert.match(refusal?.detail ?? '', /207 .*Property does not exist/);
});

test('Salesforce: a record by the id of its event, and a new token when the old one has ended', async () => {
  const { settings } = made('salesforce-records');
  let tokens = 0;
  let isOver = false;
  const { asked, send } = await openScripted('http', settings, ({ url, headers }) => {
    if (url.endsWith('/token')) {
      tokens += 1;
      return { json: { access_token: `token-${tokens}`, token_type: 'Bearer' } };
    }
    const isOld = headers['authorization'] === 'Bearer token-1' && isOver;
    const invalid = [{ errorCode: 'INVALID_SESSION_ID', message: 'Session expired or invalid' }];
    return isOld ? { status: 401, json: invalid } : { status: 204, text: '' };
  });
  const event = sampleEvent('email.bounced', { id: 'evt_1', atMs: 0 });
  const items = [toItem(1, event, {})];
  assert.deepEqual(await send(items), []);
  isOver = true;
  assert.deepEqual(await send(items), []);
  const record =
    'https://acme.my.salesforce.com/services/data/v62.0/sobjects/Posthorn_Event__c/Event_Id__c/evt_1';
  const token = 'https://acme.my.salesforce.com/services/oauth2/token';
  assert.deepEqual(
    asked.map(({ method, url }) => `${method} ${url}`),
    [`POST ${token}`, `PATCH ${record}`, `PATCH ${record}`, `POST ${token}`, `PATCH ${record}`],
  );
  assert.deepEqual(Object.fromEntries(new URLSearchParams(asked[0]?.body)), {
    grant_type: 'client_credentials',
    client_id: 'key',
    client_secret: 'hidden',
  });
});

test('a client that the token URL does not know is a matter of credentials', async () => {
  const { settings } = made('salesforce-records');
  const item = toItem(1, sampleEvent('email.bounced', { id: 'evt_1', atMs: 0 }), {});
  const said: [Said, RegExp][] = [
    [{ status: 400, json: { error: 'invalid_client' } }, /invalid_client/],
    [{ status: 401, text: 'no' }, /401: no/],
    [{ text: '<html>' }, /without an access_token/],
  ];
  for (const [answer, pattern] of said) {
    const { asked, send } = await openScripted('http', settings, () => answer);
    const trouble = await troubleOf(send([item]));
    assert.equal(trouble.code, 'credentials');
    assert.match(trouble.message, pattern);
    assert.equal(asked.length, 1);
  }
});

test('settings that cannot be are refused, with the field', () => {
  const wrong: [string, object, string][] = [
    ['hubspot-contacts', { token: 'two words' }, 'token'],
    ['hubspot-events', { event_name: 'mail", "x' }, 'event_name'],
    ['salesforce-records', { domain: 'https://acme.my.salesforce.com' }, 'domain'],
    ['salesforce-records', { domain: 'salesforce.com.attacker.example' }, 'domain'],
    ['salesforce-records', { object: 'a/b' }, 'object'],
  ];
  for (const [name, settings, field] of wrong) {
    const { preset } = made(name);
    const { error } = preset.settings.safeParse({ ...TAKEN[name]?.settings, ...settings });
    assert.deepEqual(
      error?.issues.map(({ path }) => path.join('.')),
      [field],
    );
  }
});
