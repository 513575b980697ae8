import assert from 'node:assert/strict';
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
} from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type CanonicalEvent, EVENT_TYPES, type EventType } from '../../event.ts';
import { parseLosslessJson } from '../../lossless-json.ts';
import {
  encodePrivateKey,
  encodeSecret,
  importSecret,
  publicKeyOf,
} from '../../standard-webhooks/standard-webhooks-keys.ts';
import { arbitraryEvent } from '../fixtures/arbitrary-event.ts';
import type { DecodedEvent, Provider, ProviderRequest } from '../provider.ts';
import { DIALECTS, PROVIDERS } from '../registry.ts';
import { standard } from '../standard.ts';
import type {
  CarriedType,
  Dialect,
  DialectKey,
  DialectSender,
  SigningKind,
  UnsignedPost,
} from './dialect.ts';

const SENDER: DialectSender = { projectId: 'prj_1', options: {} };
const NOW_MS = Date.UTC(2026, 10, 21, 12);
const CERTIFICATE_URL = 'https://posthorn.example/sk_1.pem';
const RUNS = { seed: 20261121, numRuns: 40 };

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ecdsa = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const ed25519 = generateKeyPairSync('ed25519');
const seed = Buffer.alloc(32, 5);

/** For each kind what signs, and what a receiver is given. */
const KEYS: Readonly<Record<SigningKind, { key: DialectKey['key']; secret: string }>> = {
  v1: { key: importSecret(encodeSecret(seed)), secret: encodeSecret(seed) },
  v1a: {
    key: importSecret(encodePrivateKey(seed)),
    secret: publicKeyOf(encodePrivateKey(seed)),
  },
  hmac: { key: createSecretKey(Buffer.from('a shared secret')), secret: 'a shared secret' },
  rsa: keyOf(rsa),
  ecdsa: keyOf(ecdsa),
  ed25519: keyOf(ed25519),
};

function keyOf(pair: { privateKey: DialectKey['key']; publicKey: DialectKey['key'] }) {
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
  const key = createPrivateKey(pem);
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return { key, secret: Buffer.from(spki).toString('base64') };
}

function send(
  dialect: Dialect,
  events: readonly CanonicalEvent[],
  options: { kind?: SigningKind; nowMs?: number; isList?: boolean; sender?: DialectSender } = {},
): UnsignedPost {
  const { kind = dialect.signs[0] ?? 'v1', nowMs = NOW_MS, sender = SENDER } = options;
  const isList = options.isList ?? typeof dialect.lists === 'object';
  return dialect.sign(dialect.encode({ events, isList }, sender), {
    id: events[0]?.id ?? '',
    nowMs,
    keys: [{ id: 'sk_1', kind, key: KEYS[kind].key }],
    certificateUrl: () => CERTIFICATE_URL,
  });
}

function requestOf({ body, headers }: UnsignedPost): ProviderRequest {
  const named: Record<string, string> = {};
  for (let i = 0; i + 1 < headers.length; i += 2) {
    named[(headers[i] ?? '').toLowerCase()] = headers[i + 1] ?? '';
  }
  return { method: 'POST', url: '', headers: named, body: Buffer.from(body) };
}

/** What an event has at a path of CarriedType.fields; `undefined` where it says nothing. */
function valueAt(event: DecodedEvent | CanonicalEvent, field: string): unknown {
  const { data } = event;
  switch (field) {
    case 'event_id':
      return data.provider_event_id ?? event.id;
    case 'time':
      return event.timestamp === null ? null : Date.parse(event.timestamp);
    case 'time:s':
      return event.timestamp === null ? null : Math.floor(Date.parse(event.timestamp) / 1_000);
    case 'data':
      return { ...data, raw: undefined };
    case 'message':
      return data.message?.id ?? data.message?.provider_id;
    case 'message.sent_at':
      return data.message?.sent_at == null ? undefined : Date.parse(data.message.sent_at);
    case 'bounce.hard':
      return data.bounce === undefined ? undefined : data.bounce.type === 'hard';
    case 'bounce.late':
      return data.bounce?.async ?? false;
    case 'tag':
      return data.tags?.[0];
    case 'metadata':
      return Object.fromEntries(Object.entries(data.metadata ?? {}).sort());
    case 'domain.problems':
      return data.domain?.records
        .filter(({ status }) => status !== 'ok')
        .map(({ purpose, status, detail }) => `${purpose} ${status} ${detail ?? ''}`)
        .sort();
    default:
      return field
        .split('.')
        .reduce<unknown>((value, name) => Object(value)[name] ?? undefined, data);
  }
}

function assertCarried(
  event: CanonicalEvent,
  decoded: DecodedEvent,
  { as, fields }: CarriedType,
): void {
  assert.equal(decoded.type, as ?? event.type);
  for (const field of fields) {
    const wanted = valueAt(event, field);
    // What is not known goes over as not known, in whatever way the format has for it.
    if (wanted === undefined || wanted === null) continue;
    assert.deepEqual(valueAt(decoded, field), wanted, field);
  }
}

function carriedTypes({ carries }: Dialect): [EventType, CarriedType][] {
  return EVENT_TYPES.flatMap((type): [EventType, CarriedType][] => {
    const carried = carries[type];
    return carried === undefined ? [] : [[type, carried]];
  });
}

function secretsOf(provider: Provider, kind: SigningKind): string[] {
  if (provider.name !== 'ses') return [KEYS[kind].secret];
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return ['arn:aws:sns:us-east-1:000000000000:posthorn', pem];
}

for (const provider of PROVIDERS) {
  const { dialect, name } = provider;
  if (dialect === undefined) continue;
  describe(`the dialect ${name}`, () => {
    it('brings over what it says, for every type that it carries', () => {
      for (const [type, carried] of carriedTypes(dialect)) {
        fc.assert(
          fc.property(arbitraryEvent(type), (event) => {
            const decoded = provider.decode(requestOf(send(dialect, [event])));
            assert.equal(decoded.length, 1);
            for (const one of decoded) assertCarried(event, one, carried);
          }),
          RUNS,
        );
      }
    });

    it('encodes events that say nothing but their type and time, such as redacted ones', () => {
      for (const [type, { as }] of carriedTypes(dialect)) {
        const event = { id: `evt_${'0'.repeat(26)}`, type, timestamp: '2026-11-21T16:00:00Z' };
        for (const data of [
          {},
          { recipient: null, message: { id: null }, metadata: {}, tags: [] },
        ]) {
          const [decoded] = provider.decode(requestOf(send(dialect, [{ ...event, data }])));
          assert.equal(decoded?.type, as ?? type, `${name} ${type}`);
          assert.ok(decoded?.data.recipient == null);
        }
      }
    });

    it('refuses to encode what it has no word for', () => {
      for (const type of EVENT_TYPES) {
        if (dialect.carries[type] !== undefined) continue;
        const [event] = fc.sample(arbitraryEvent(type), { ...RUNS, numRuns: 1 });
        assert.ok(event);
        assert.throws(() => send(dialect, [event]), RangeError, type);
      }
    });

    it('has the same bytes whenever it is encoded, and says the id in a header', () => {
      for (const [type] of carriedTypes(dialect)) {
        fc.assert(
          fc.property(arbitraryEvent(type), (event) => {
            const batch = { events: [event], isList: typeof dialect.lists === 'object' };
            const copy = { ...batch, events: [JSON.parse(JSON.stringify(event))] };
            assert.deepEqual(dialect.encode(batch, SENDER), dialect.encode(copy, SENDER));
            const { headers } = requestOf(send(dialect, [event]));
            assert.equal(headers['webhook-id'] ?? headers['svix-id'], event.id);
          }),
          { ...RUNS, numRuns: 5 },
        );
      }
    });

    for (const kind of dialect.signs) {
      it(`is verified by its provider with ${kind}, and not after a change`, async () => {
        const [[type] = ['email.delivered' as const]] = carriedTypes(dialect);
        const [event] = fc.sample(arbitraryEvent(type), { ...RUNS, numRuns: 1 });
        assert.ok(event);
        const request = requestOf(send(dialect, [event], { kind }));
        const context = { secrets: secretsOf(provider, kind), nowMs: NOW_MS };
        // Of these two the signature is for people who look for it: their own ways know none.
        const isPlain = name === 'flexmail' || name === 'postmark';
        const { verify } = isPlain ? standard : provider;
        await verify(request, context);
        const text = Buffer.from(request.body).toString();
        const changed =
          name === 'mailgun' ? text.replace(/"token":"../, '"token":"zz') : `${text} `;
        // The signature of SNS is over fields, so a field has to change.
        const other = name === 'ses' ? text.replace('"Message":"{', '"Message":"{ ') : changed;
        const attempt = async () => verify({ ...request, body: Buffer.from(other) }, context);
        await assert.rejects(attempt, { code: 'bad_signature' });
      });
    }

    if (dialect.lists !== 'single') {
      it('sends several events as one list', () => {
        const types = carriedTypes(dialect);
        const events = types.flatMap(([type]) =>
          fc.sample(arbitraryEvent(type), { ...RUNS, numRuns: 2 }),
        );
        const decoded = provider.decode(requestOf(send(dialect, events, { isList: true })));
        assert.equal(decoded.length, events.length);
        for (const [index, event] of events.entries()) {
          const one = decoded[index];
          const carried = dialect.carries[event.type];
          assert.ok(one && carried);
          assertCarried(event, one, carried);
        }
      });
    }
  });
}

describe('dialects', () => {
  it('keep numbers that a double cannot hold', () => {
    const [event] = fc.sample(arbitraryEvent('email.delivered'), { ...RUNS, numRuns: 1 });
    assert.ok(event);
    const body = '{"order":12345678901234567890}';
    const metadata = parseLosslessJson(body) as Record<string, unknown>;
    const one = { ...event, data: { ...event.data, metadata } };
    for (const name of ['sendgrid', 'mailgun', 'resend', 'ses']) {
      const dialect = DIALECTS.get(name);
      assert.ok(dialect);
      assert.match(send(dialect, [one]).body, /12345678901234567890/, name);
    }
  });

  it('say in the words of Postal why a message is held', () => {
    const [event] = fc.sample(arbitraryEvent('email.held'), { ...RUNS, numRuns: 1 });
    const dialect = DIALECTS.get('postal');
    assert.ok(event && dialect);
    const detailsOf = (hold: NonNullable<CanonicalEvent['data']['hold']>): string => {
      const { body } = send(dialect, [{ ...event, data: { ...event.data, hold } }]);
      return JSON.parse(body).payload.details;
    };
    assert.match(detailsOf({ reason: 'rule', rule: 'Campaigns' }), /by the rule "Campaigns"/);
    assert.match(detailsOf({ reason: 'key' }), /this key/);
    assert.match(detailsOf({ reason: 'limit', rule: null }), /sending limit/);
    assert.match(detailsOf({ reason: 'other' }), /^Held for review$/);
  });

  it('say in the words of Resend why a message bounced', () => {
    const [event] = fc.sample(arbitraryEvent('email.bounced'), { ...RUNS, numRuns: 1 });
    const dialect = DIALECTS.get('resend');
    assert.ok(event && dialect);
    const wordsFor = (bounce: NonNullable<CanonicalEvent['data']['bounce']>): string => {
      const { body } = send(dialect, [{ ...event, data: { ...event.data, bounce } }]);
      const { type, subType } = JSON.parse(body).data.bounce;
      return `${type} ${subType}`;
    };
    const hard = { type: 'hard', scope: 'recipient', suppressed: true } as const;
    assert.equal(wordsFor({ ...hard, category: 'invalid_address' }), 'Permanent General');
    assert.equal(wordsFor({ ...hard, category: 'suppressed' }), 'Permanent Suppressed');
    const soft = { ...hard, type: 'soft', category: 'mailbox_full' } as const;
    assert.equal(wordsFor(soft), 'Transient MailboxFull');
    assert.equal(wordsFor({ ...soft, category: 'greylisted' }), 'Transient General');
    assert.equal(wordsFor({ ...soft, type: 'undetermined' }), 'Undetermined Undetermined');
  });

  it('are found by the name of their provider', () => {
    assert.deepEqual(
      [...DIALECTS.keys()].sort(),
      [
        ...['cloudevents', 'flexmail', 'frontengine', 'mailchannels', 'mailfloss', 'mailgun'],
        ...['postal', 'postmark', 'resend', 'sendarix', 'sendgrid', 'ses', 'standard'],
      ].sort(),
    );
  });

  it('carry something of what they decode', () => {
    for (const [name, { carries }] of DIALECTS) {
      assert.ok(Object.keys(carries).length >= 8, name);
    }
  });
});
