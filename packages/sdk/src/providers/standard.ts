import { EVENT_TYPES } from '../event.ts';
import { importVerifier } from '../standard-webhooks/standard-webhooks-keys.ts';
import type { Dialect } from './dialects/dialect.ts';
import type { DecodedEvent, Provider, ProviderRequest } from './provider.ts';
import { readEventData } from './shared/build/canonical-data.ts';
import { dedupParts } from './shared/build/dedup.ts';
import { decodeEntries } from './shared/build/entries.ts';
import { decodeMapped } from './shared/build/mapping.ts';
import { USUAL_MAPPING } from './shared/build/usual-mapping.ts';
import { signStandard } from './shared/encode/sign.ts';
import { JSON_TYPE, onlyEvent } from './shared/encode/values.ts';
import { type Fields, isFields, list, text } from './shared/read/fields.ts';
import { headerOf, readJson } from './shared/read/request-body.ts';
import { timeOf } from './shared/read/timestamps.ts';
import { HOUR_MS, MINUTE_MS } from './shared/verify/signatures.ts';
import { verifySvix } from './shared/verify/svix.ts';
import { verifySigned } from './shared/verify/transport-secrets.ts';

/**
 * Standard Webhooks (standardwebhooks.com; github.com/standard-webhooks/standard-webhooks, spec): what
 * Posthorn itself sends, singly or as a list, and what others send in that envelope about mail.
 *
 * Secrets: `whsec_...` for v1, the public key `whpk_...` for v1a. Signed over id, time and body.
 * Dedup key: of an event of ours its id alone; of others with `webhook-id`.
 * Events of ours come out as they went in. Those of others are read by the usual names of fields.
 * Lost beside `raw`: nothing of ours.
 */

const NAME = 'standard';

/** An event that the log of a Posthorn gave its id: it is taken over as it is. */
function decodeOwnEvent(entry: Fields): DecodedEvent | null {
  const id = text(entry['id']);
  const type = EVENT_TYPES.find((one) => one === entry['type']);
  const timestamp = timeOf(entry['timestamp']);
  const isOurs = id !== null && /^evt_[0-9A-Z]{26}$/.test(id);
  if (!isOurs || type === undefined || timestamp === null || !isFields(entry['data'])) return null;
  return { id, type, timestamp, data: { ...readEventData(entry['data'], NAME), raw: entry } };
}

function decode(request: ProviderRequest): DecodedEvent[] {
  const webhookId = headerOf(request, 'webhook-id') ?? headerOf(request, 'svix-id');
  return decodeEntries(list(readJson(request)), {
    expects: 'an object with "type", "timestamp" and "data"',
    isEntry: (entry) => text(entry['type']) !== null,
    decode: (entry) => {
      const own = decodeOwnEvent(entry);
      return own === null ? decodeForeign(entry, webhookId) : [own];
    },
  });
}

function decodeForeign(entry: Fields, webhookId: string | null): DecodedEvent[] {
  return decodeMapped(NAME, USUAL_MAPPING, entry).map((event) => {
    const id = webhookId ?? event.data.provider_event_id ?? null;
    return { ...event, data: { ...event.data, provider_event_id: id } };
  });
}

/** The whole event survives: its data are compared as they are. */
export const EVERYTHING = ['event_id', 'time', 'data'] as const;

export const standardDialect: Dialect = {
  carries: Object.fromEntries(EVENT_TYPES.map((type) => [type, { fields: EVERYTHING }])),
  signs: ['v1', 'v1a'],
  // What the server does by itself.
  ladderMs: null,
  timeoutMs: null,
  lists: 'any',
  handshake: null,
  options: [],
  encode: (batch) => ({
    body: JSON.stringify(batch.isList ? batch.events : onlyEvent(batch)),
    headers: JSON_TYPE,
  }),
  sign: signStandard,
};

export const standard: Provider = {
  name: NAME,
  aliases: ['standard-webhooks', 'standardwebhooks', 'posthorn', 'svix'],
  title: 'Standard Webhooks',
  pages: [
    'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
  ],
  answer: {
    refused: 401,
    busy: 503,
    timeoutMs: 15_000,
    retryDelaysMs: [
      5_000,
      5 * MINUTE_MS,
      30 * MINUTE_MS,
      ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR_MS),
    ],
    stopStatuses: [410],
    note: '410 switches the endpoint off; 429 and 503 with Retry-After slow it down.',
  },
  checkSecret: (secret) => void importVerifier(secret),
  verify: (request, context) =>
    verifySigned(request, context, (secrets) => verifySvix(request, context, secrets)),
  decode,
  dedupParts,
  dialect: standardDialect,
};
