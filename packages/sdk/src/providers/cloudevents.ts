import type { CanonicalEvent } from '../event.ts';
import type { Dialect, DialectBatch, DialectOption, UnsignedPost } from './dialects/dialect.ts';
import type {
  DecodedEvent,
  Provider,
  ProviderRequest,
  VerifyContext,
  VerifyResult,
} from './provider.ts';
import { parse } from './shared/build/build-event.ts';
import { readEventData } from './shared/build/canonical-data.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { decodeMapped } from './shared/build/mapping.ts';
import { typeOfName } from './shared/build/type-names.ts';
import { USUAL_MAPPING } from './shared/build/usual-mapping.ts';
import { signStandard } from './shared/encode/sign.ts';
import { messageIdOf, onlyEvent, optionOf } from './shared/encode/values.ts';
import { type Fields, fields, list, text } from './shared/read/fields.ts';
import { headerOf, readJson, textOf } from './shared/read/request-body.ts';
import { timeOf } from './shared/read/timestamps.ts';
import { optionsHandshake } from './shared/verify/options-handshake.ts';
import { verifySvix } from './shared/verify/svix.ts';
import {
  isTransportSecret,
  verifySigned,
  verifyUnsigned,
} from './shared/verify/transport-secrets.ts';
import { standardDialect } from './standard.ts';

/**
 * CloudEvents 1.0 over HTTP (github.com/cloudevents/spec: spec.md, bindings/http-protocol-binding.md,
 * http-webhook.md): structured, in a batch, or binary (`ce-` headers, the body is the data).
 *
 * Secrets: CloudEvents has no signature of its own. `whsec_...` where the sender signs as Standard
 * Webhooks do, otherwise what the URL or the headers carry.
 * Dedup key: of an event of ours its id alone; of others with `id`, which is unique within `source`.
 * The type may carry a prefix (`com.example.email.bounced`). Where the data does not name the
 * recipient, a `subject` with an @ does.
 * Lost beside `raw`: extensions, `dataschema`.
 * Sent: `source` is `/sources/` and the source, `subject` the message. The signature is that of Standard
 * Webhooks, since CloudEvents leaves it to others.
 */

const NAME = 'cloudevents';

function decode(request: ProviderRequest): DecodedEvent[] {
  if (request.method === 'OPTIONS') return [];
  const binary = readBinary(request);
  return decodeEntries(binary === null ? list(readJson(request)) : [binary], {
    expects: 'an object with "specversion", "type" and "source", or ce- headers',
    isEntry: (entry) => text(entry['specversion']) !== null && text(entry['type']) !== null,
    decode: decodeEntry,
  });
}

/** The attributes of the headers with the body as data; `null` in the other modes. */
function readBinary(request: ProviderRequest): Fields | null {
  if (headerOf(request, 'ce-specversion') === null) return null;
  const names = Object.keys(request.headers).filter((name) => /^ce-[a-z0-9]+$/i.test(name));
  const attributes = names.map((name) => [
    name.slice(3).toLowerCase(),
    decodeHeader(headerOf(request, name)),
  ]);
  return { ...Object.fromEntries(attributes), data: parse(textOf(request.body)) };
}

/** Header values are percent-encoded (HTTP binding 3.1.3.2). */
function decodeHeader(value: string | null): string | null {
  try {
    return value === null ? null : decodeURIComponent(value);
  } catch {
    return value;
  }
}

function decodeEntry(entry: Fields): DecodedEvent[] {
  const data = dataOf(entry);
  const id = text(entry['id']);
  const type = typeOfName(text(entry['type']));
  const timestamp = timeOf(entry['time']);
  if (id !== null && /^evt_[0-9A-Z]{26}$/.test(id) && type !== undefined && timestamp !== null) {
    return [{ id, type, timestamp, data: { ...readEventData(data, NAME), raw: entry } }];
  }
  const subject = text(entry['subject']);
  const known = { ...data, ...(subject?.includes('@') ? { rcpt_to: subject } : {}) };
  const mapped = decodeMapped(NAME, USUAL_MAPPING, {
    type: entry['type'],
    timestamp,
    event_id: id,
    data: known,
  });
  return mapped.map((event) => ({ ...event, data: { ...event.data, raw: entry } }));
}

function dataOf(entry: Fields): Fields {
  const encoded = text(entry['data_base64']);
  if (encoded !== null) return fields(parse(Buffer.from(encoded, 'base64').toString('utf8')));
  return typeof entry['data'] === 'string' ? fields(parse(entry['data'])) : fields(entry['data']);
}

function verify(request: ProviderRequest, context: VerifyContext): VerifyResult {
  const keys = context.secrets.filter((secret) => /^(?:whsec_|whpk_)/.test(secret));
  const isSigned = headerOf(request, 'webhook-signature') !== null;
  if (keys.length === 0 || (!isSigned && context.secrets.some(isTransportSecret))) {
    return verifyUnsigned(request, context);
  }
  return verifySigned(request, context, () => verifySvix(request, context, keys));
}

const MODE: DialectOption = {
  name: 'mode',
  description: 'structured: attributes and data in the body; binary: attributes as ce- headers.',
  fallback: 'structured',
  explain: (value) =>
    value === 'structured' || value === 'binary' ? null : 'The mode is structured or binary.',
};

const HANDSHAKE: DialectOption = {
  name: 'handshake',
  description: 'options: the receiver is asked before the first post; none: it is not.',
  fallback: 'options',
  explain: (value) =>
    value === 'options' || value === 'none' ? null : 'The handshake is options or none.',
};

/** Attributes (spec.md 3.1); the data stand beside them. */
function attributesOf(event: CanonicalEvent): Record<string, string> {
  const subject = messageIdOf(event);
  return {
    specversion: '1.0',
    id: event.id,
    source: `/sources/${event.data.source ?? event.data.provider ?? 'posthorn'}`,
    type: event.type,
    ...(subject === null ? {} : { subject }),
    time: event.timestamp,
  };
}

function encodeStructured({ events, isList }: DialectBatch): UnsignedPost {
  const written = events.map((event) => ({
    ...attributesOf(event),
    datacontenttype: 'application/json',
    data: event.data,
  }));
  const form = isList ? 'cloudevents-batch' : 'cloudevents';
  return {
    body: JSON.stringify(isList ? written : written[0]),
    headers: ['Content-Type', `application/${form}+json; charset=utf-8`],
  };
}

function encodeBinary(batch: DialectBatch): UnsignedPost {
  const event = onlyEvent(batch);
  const attributes = Object.entries(attributesOf(event)).flatMap(([name, value]) => [
    `ce-${name}`,
    encodeHeader(value),
  ]);
  return {
    body: JSON.stringify(event.data),
    headers: ['Content-Type', 'application/json', ...attributes],
  };
}

/** HTTP binding 3.1.3.2: what is not printable ASCII, and space, quote and percent, as %XX of UTF-8. */
function encodeHeader(value: string): string {
  return value.toWellFormed().replace(/[^\x21\x23\x24\x26-\x7e]+/g, encodeURIComponent);
}

const cloudeventsDialect: Dialect = {
  ...standardDialect,
  handshake: 'options',
  options: [MODE, HANDSHAKE],
  encode: (batch, sender) =>
    optionOf(sender, 'mode', 'structured') === 'binary'
      ? encodeBinary(batch)
      : encodeStructured(batch),
  sign: signStandard,
};

export const cloudevents: Provider = {
  name: NAME,
  aliases: ['cloud-events', 'cloudevent'],
  title: 'CloudEvents',
  pages: [
    'https://github.com/cloudevents/spec/blob/main/cloudevents/spec.md',
    'https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: null,
    retryDelaysMs: null,
    stopStatuses: [410, 415],
    note: 'The sender asks with OPTIONS first. 429 with Retry-After slows it down.',
  },
  handshake: optionsHandshake,
  verify,
  decode,
  dedupParts,
  dialect: cloudeventsDialect,
};
