import { parseContentFilter } from '../../../core/events/parse-content-filter.ts';
import { dialectOf, findDialectFault } from '../../../core/webhooks/dialects.ts';
import {
  DEFAULT_ENDPOINT_SETTINGS,
  type EndpointSecrets,
  type EndpointSettings,
} from '../../../core/webhooks/endpoint-settings.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { EndpointRecord } from '../../../store/webhooks/endpoints.ts';
import { checkEndpointTls } from '../../../webhooks/post/endpoint-tls.ts';
import type { EndpointFields } from './endpoint-fields.ts';
import { explainHeaderTotal, mergeHeaders } from './endpoint-headers.ts';

/** What a person decides of an endpoint: the part of it that the API's fields change. */
export interface EndpointDraft
  extends Pick<EndpointRecord, 'uid' | 'description' | 'metadata' | 'eventTypes' | 'settings'> {
  secrets: EndpointSecrets;
}

/**
 * The endpoint with the fields that are there: absent leaves what was, null goes back to the default.
 * `hasPublicUrl`: receivers can fetch from this server. Throws `invalid_field` for what does not fit
 * together, with what was there before too.
 */
export function applyFields(
  before: EndpointDraft,
  fields: EndpointFields,
  { nowMs, hasPublicUrl }: { nowMs: number; hasPublicUrl: boolean },
): EndpointDraft {
  const draft: EndpointDraft = {
    uid: pick(fields.uid, before.uid, null),
    description: pick(fields.description, before.description, ''),
    metadata: pick(fields.metadata, before.metadata, {}),
    eventTypes: pick(fields.event_types, before.eventTypes, ['*']),
    settings: applySettings(before.settings, fields),
    secrets: applyKey(before.secrets, fields),
  };
  checkTogether(draft.settings, fields);
  checkDialect(draft, fields, hasPublicUrl);
  checkTls(draft, fields, nowMs);
  return withHeaders(draft, fields);
}

function pick<T>(given: T | null | undefined, before: T, fallback: T): T {
  return given === undefined ? before : (given ?? fallback);
}

function applySettings(before: EndpointSettings, fields: EndpointFields): EndpointSettings {
  const { order, dialect, apiVersion } = DEFAULT_ENDPOINT_SETTINGS;
  return {
    ...before,
    filter: applyFilter(before.filter, fields.filter),
    transformation: pick(fields.transformation, before.transformation, null),
    timeoutMs: pick(fields.timeout, before.timeoutMs, null),
    concurrency: pick(fields.concurrency, before.concurrency, null),
    ratePerSecond: pick(fields.rate_limit, before.ratePerSecond, null),
    order: pick(fields.order, before.order, order),
    batch: applyBatch(before.batch, fields.batch),
    coalesceMs: pick(fields.coalesce, before.coalesceMs, null),
    dialect: pick(fields.dialect, before.dialect, dialect),
    dialectOptions: applyOptions(before, fields),
    retryLadder: pick(fields.retry_ladder, before.retryLadder, null),
    apiVersion: pick(fields.api_version, before.apiVersion, apiVersion),
    patienceMs: pick(fields.patience, before.patienceMs, null),
    notifyEmail: pick(fields.notify_email, before.notifyEmail, null),
    redactRecipient: pick(fields.redact_recipient, before.redactRecipient, null),
    clientCertificate: pick(fields.client_certificate, before.clientCertificate, null),
    caCertificate: pick(fields.ca_certificate, before.caCertificate, null),
  };
}

/** Those of another dialect mean nothing any more. */
function applyOptions(
  { dialect, dialectOptions }: EndpointSettings,
  fields: EndpointFields,
): EndpointSettings['dialectOptions'] {
  const chosen = pick(fields.dialect, dialect, DEFAULT_ENDPOINT_SETTINGS.dialect);
  return pick(fields.dialect_options, chosen === dialect ? dialectOptions : {}, {});
}

function applyFilter(
  before: EndpointSettings['filter'],
  given: EndpointFields['filter'],
): EndpointSettings['filter'] {
  if (given === undefined) return before;
  return given === null ? null : parseContentFilter(given);
}

function applyBatch(
  before: EndpointSettings['batch'],
  given: EndpointFields['batch'],
): EndpointSettings['batch'] {
  if (given === undefined) return before;
  if (given === null) return null;
  const { max_events: maxEvents, max_wait: maxWaitMs, event_types: eventTypes } = given;
  return { maxEvents, maxWaitMs, eventTypes };
}

/** Refuses what would contradict itself; the fault is said of the field that brought it about. */
function checkTogether(settings: EndpointSettings, fields: EndpointFields): void {
  const { order, coalesceMs, batch, transformation, dialect } = settings;
  if (transformation !== null && dialect !== 'standard') {
    refuse(
      fields.transformation === undefined ? '/dialect' : '/transformation',
      `A transformation makes the body, and so does the dialect ${dialect}. Use the dialect standard with a transformation, or set transformation to null.`,
    );
  }
  if (coalesceMs !== null && order !== 'none') {
    refuse(
      fields.coalesce === undefined ? '/order' : '/coalesce',
      `Events that go as one have no place in an order. Use order "none" with coalesce, or set coalesce to null (order is "${order}").`,
    );
  }
  if (order === 'per-endpoint' && batch !== null && batch.eventTypes !== null) {
    refuse(
      fields.batch === undefined ? '/order' : '/batch/event_types',
      'Types that go singly would overtake those that wait for their batch. With order "per-endpoint" put all types into batches: event_types null.',
    );
  }
}

/**
 * What the dialect cannot do is said of the field that was given, or of the dialect that was. Only where
 * one of them changes: what an operator has taken away since must not be in the way of the rest.
 */
function checkDialect(
  { settings, eventTypes, secrets }: EndpointDraft,
  fields: EndpointFields,
  hasPublicUrl: boolean,
): void {
  const { dialect: given, dialect_options, event_types, batch, coalesce } = fields;
  const changes = [given, dialect_options, event_types, batch, coalesce];
  if (changes.every((field) => field === undefined)) return;
  const fault = findDialectFault(settings, eventTypes, { hasPublicUrl });
  if (fault !== null) {
    const { field, at, detail } = fault;
    const pointer = at === undefined ? `/${field}` : `/${field}/${at}`;
    refuse(fields[field] === undefined ? '/dialect' : pointer, detail);
  }
  const { dialect } = settings;
  const { signs } = dialectOf(dialect);
  const [key] = secrets.keys;
  if (key === undefined || signs.includes(key.kind)) return;
  refuse(
    '/dialect',
    `The dialect ${dialect} signs with ${signs.join(' or ')}, and the secret of this endpoint with ${key.kind}. Change both at once with POST /v1/endpoints/{id}/secret/rotate and {"dialect": "${dialect}"}.`,
  );
}

/** The key goes with its certificate; a new certificate may keep the key. */
function applyKey(before: EndpointSecrets, fields: EndpointFields): EndpointSecrets {
  const isRemoved = fields.client_certificate === null && fields.client_key === undefined;
  return {
    ...before,
    clientKey: isRemoved ? null : pick(fields.client_key, before.clientKey, null),
  };
}

/** Only where they change: a certificate that has expired since must not be in the way of the rest. */
function checkTls(
  { settings, secrets }: EndpointDraft,
  fields: EndpointFields,
  nowMs: number,
): void {
  const { client_certificate, client_key, ca_certificate } = fields;
  if ([client_certificate, client_key, ca_certificate].every((field) => field === undefined))
    return;
  const tls = {
    certificate: settings.clientCertificate,
    privateKey: secrets.clientKey,
    ca: settings.caCertificate,
  };
  const fault = checkEndpointTls(tls, nowMs);
  if (fault !== null) refuse(`/${fault.field}`, fault.message);
}

function withHeaders(draft: EndpointDraft, { headers: change }: EndpointFields): EndpointDraft {
  if (change === undefined) return draft;
  const before = { headers: draft.settings.headers, secretHeaders: draft.secrets.headers };
  const none = { headers: {}, secretHeaders: {} };
  const merged = change === null ? none : mergeHeaders(before, change);
  const detail = explainHeaderTotal(merged);
  if (detail !== null) refuse('/headers', detail);
  return {
    ...draft,
    settings: { ...draft.settings, headers: merged.headers },
    secrets: { ...draft.secrets, headers: merged.secretHeaders },
  };
}

export function refuse(pointer: string, detail: string): never {
  throw new PosthornError('invalid_field', `${pointer}: ${detail}`, {
    fields: [{ pointer, detail }],
  });
}
