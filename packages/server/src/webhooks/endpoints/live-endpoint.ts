import type { CanonicalEvent, Dialect, EventType } from '@posthorn/sdk';
import { compileContentFilter } from '../../core/events/content-filter.ts';
import { compileEventFilter } from '../../core/events/event-filter.ts';
import { asksFirst, batchOf, dialectOf, sentTypes } from '../../core/webhooks/dialects.ts';
import type {
  BatchSettings,
  EndpointSecrets,
  EndpointSettings,
} from '../../core/webhooks/endpoint-settings.ts';
import { ladderOf } from '../../core/webhooks/retry-ladders.ts';
import type { EndpointRecord } from '../../store/webhooks/endpoints.ts';
import { type PostTarget, parseTarget } from '../post/post-target.ts';
import { createSigner, type Signer } from '../signer.ts';

/** What holds for an endpoint that does not say otherwise. */
export interface EndpointDefaults {
  /** Waits after each failure, ms; then the delivery is dead. */
  ladderMs: readonly number[];
  timeoutMs: number;
  /** Posts under way to one endpoint, at most. */
  concurrency: number;
  /** How long it may fail before it is disabled, ms. */
  patienceMs: number;
  /** Who posts, for receivers that ask. */
  sender: Sender;
}

export interface Sender {
  host: string;
  /** Where this server is reached from outside; null where nobody has said so. */
  publicUrl: string | null;
}

/** What applies to an endpoint: its own settings, else its dialect's, else the server's. */
export interface EffectiveSettings extends EndpointDefaults {
  batch: BatchSettings | null;
}

/** An endpoint ready for use: filters compiled, secrets opened, URL taken apart, defaults filled in. */
export interface LiveEndpoint extends EffectiveSettings {
  record: EndpointRecord;
  secrets: EndpointSecrets;
  dialect: Dialect;
  /** Its receiver is asked before the first post. */
  asksFirst: boolean;
  /** Those that it subscribes to and that its dialect has a word for. */
  types: ReadonlySet<EventType>;
  matches(event: CanonicalEvent): boolean;
  /** Of the kinds that its dialect signs with. */
  signers: readonly Signer[];
  target: PostTarget;
  /** Its own headers, secret ones included: name, value, name, value ... */
  headers: readonly string[];
  /** Hashes addresses that it must not see. */
  redactKey: Uint8Array;
  /** Types that go in batches; null when none does. */
  batchedTypes: ReadonlySet<EventType> | null;
}

/** Compiled anew from plain data on every thread that works with it. */
export function toLiveEndpoint(
  record: EndpointRecord,
  secrets: EndpointSecrets,
  defaults: EndpointDefaults & Pick<LiveEndpoint, 'redactKey'>,
): LiveEndpoint {
  const { settings } = record;
  const tls = {
    certificate: settings.clientCertificate,
    privateKey: secrets.clientKey,
    ca: settings.caCertificate,
  };
  const dialect = dialectOf(settings.dialect);
  const types = sentTypes(record.eventTypes, settings.dialect);
  const effective = fillDefaults(settings, defaults);
  return {
    record,
    secrets,
    dialect,
    asksFirst: asksFirst(settings),
    types,
    matches: compileMatch(record, types),
    signers: secrets.keys.filter(({ kind }) => dialect.signs.includes(kind)).map(createSigner),
    target: parseTarget(record.url, tls.certificate === null && tls.ca === null ? null : tls),
    headers: Object.entries({ ...settings.headers, ...secrets.headers }).flat(),
    batchedTypes: batchedTypesOf(effective.batch, types),
    redactKey: defaults.redactKey,
    ...effective,
  };
}

/** What the dialect has no word for goes singly, and so fails alone. */
function batchedTypesOf(
  batch: BatchSettings | null,
  types: ReadonlySet<EventType>,
): ReadonlySet<EventType> | null {
  return batch === null ? null : compileEventFilter(batch.eventTypes ?? ['*']).intersection(types);
}

/** What applies to an endpoint with these settings. */
export function fillDefaults(
  settings: EndpointSettings,
  defaults: EndpointDefaults,
): EffectiveSettings {
  const preset = dialectOf(settings.dialect);
  return {
    ladderMs: ladderOf(settings.retryLadder, preset.ladderMs ?? defaults.ladderMs),
    timeoutMs: settings.timeoutMs ?? preset.timeoutMs ?? defaults.timeoutMs,
    batch: batchOf(settings),
    sender: defaults.sender,
    concurrency: settings.concurrency ?? defaults.concurrency,
    patienceMs: settings.patienceMs ?? defaults.patienceMs,
  };
}

/** An endpoint never hears of itself: its own trouble would be the first thing that it cannot take. */
function compileMatch(
  { id, settings }: EndpointRecord,
  types: ReadonlySet<EventType>,
): LiveEndpoint['matches'] {
  const content = settings.filter === null ? null : compileContentFilter(settings.filter);
  return (event) =>
    types.has(event.type) &&
    event.data.endpoint?.id !== id &&
    event.data.exhausted?.endpoint_id !== id &&
    (content === null || content(event));
}
