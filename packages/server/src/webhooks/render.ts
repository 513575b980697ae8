import { createHash } from 'node:crypto';
import type { CanonicalEvent } from '@posthorn/sdk';
import { redactEventBody } from '../core/events/redact-event.ts';
import type { LiveEndpoint } from './endpoints/live-endpoint.ts';
import type { ReadyDelivery } from './lane.ts';
import { encodeForEndpoint, signForEndpoint } from './render-dialect.ts';
import type { Signer } from './signer.ts';

const USER_AGENT = 'Posthorn/0.1 (+webhooks)';

/** Of a PostUnit, what goes out. */
export interface RenderUnit {
  deliveries: readonly RenderDelivery[];
  groups: readonly (readonly RenderDelivery[])[] | null;
  isBatch: boolean;
  /** What the endpoint's transformation has made of them; absent where the events go themselves. */
  text?: string;
}

type RenderDelivery = Pick<ReadyDelivery, 'eventId' | 'body'>;

export interface RenderedPost {
  /** The `webhook-id`: the event's, or one made of all the events that share the post. */
  id: string;
  body: Uint8Array;
  /** Name, value, name, value ... */
  headers: string[];
  /** Empty in other dialects than ours, whose headers do not follow from it. */
  signature: string;
  /** Those of another dialect; null where they follow from id, time and signature. */
  dialectHeaders: readonly string[] | null;
}

/** Nothing can be posted: a sentence that says why. */
export interface Unsendable {
  unsendable: string;
}

/** One attempt as the endpoint wants it. */
export function renderPost(
  unit: RenderUnit,
  endpoint: LiveEndpoint,
  nowMs: number,
): RenderedPost | Unsendable {
  return endpoint.record.settings.dialect === 'standard'
    ? renderStandard(unit, endpoint, nowMs)
    : renderDialect(unit, endpoint, nowMs);
}

function renderDialect(
  unit: RenderUnit,
  endpoint: LiveEndpoint,
  nowMs: number,
): RenderedPost | Unsendable {
  const [first] = unit.deliveries;
  if (first === undefined) throw new Error('A post without a delivery.');
  const id = unit.groups === null ? first.eventId : sharedId(unit);
  const bodies = unit.deliveries.map(({ body }) => bodyFor(body, endpoint));
  const encoded = encodeForEndpoint(endpoint, bodies, unit.isBatch);
  if ('uncarried' in encoded) return { unsendable: encoded.uncarried };
  const { body, headers } = signForEndpoint(endpoint, encoded, { id, nowMs });
  const dialectHeaders = [...headers, 'User-Agent', USER_AGENT];
  const sent = [...dialectHeaders, ...endpoint.headers];
  return { id, body: Buffer.from(body), headers: sent, signature: '', dialectHeaders };
}

/** The body of an event as its endpoint gets it, without a signature; null where it gets none. */
export function previewBody(body: string, endpoint: LiveEndpoint): string | null {
  const text = bodyFor(body, endpoint);
  if (endpoint.record.settings.dialect === 'standard') return text;
  const encoded = encodeForEndpoint(endpoint, [text], false);
  return 'uncarried' in encoded ? null : encoded.body;
}

/**
 * One attempt in Standard Webhooks. The body is the same bytes on every attempt; the timestamp and so
 * the signature are fresh, since receivers refuse what was signed long ago.
 */
export function renderStandard(
  unit: RenderUnit,
  endpoint: LiveEndpoint,
  nowMs: number,
): RenderedPost {
  const { id, text } = renderBody(unit, endpoint);
  const body = Buffer.from(text);
  const timestamp = Math.floor(nowMs / 1_000);
  const signature = signAll(endpoint.signers, { id, timestamp, body }, nowMs);
  const headers = [...listOwnHeaders({ id, nowMs, signature }), ...endpoint.headers];
  return { id, body, headers, signature, dialectHeaders: null };
}

/** What Posthorn puts before the endpoint's own headers: name, value, name, value ... */
export function listOwnHeaders({
  id,
  nowMs,
  signature,
}: {
  id: string;
  nowMs: number;
  signature: string;
}): string[] {
  return [
    'content-type',
    'application/json',
    'user-agent',
    USER_AGENT,
    'webhook-id',
    id,
    'webhook-timestamp',
    String(Math.floor(nowMs / 1_000)),
    'webhook-signature',
    signature,
  ];
}

/** During a rotation several keys sign, the current one first; receivers take any that they know. */
function signAll(
  signers: readonly Signer[],
  input: Parameters<Signer['sign']>[0],
  nowMs: number,
): string {
  const [only] = signers;
  if (only !== undefined && signers.length === 1) return only.sign(input);
  return signers
    .filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs)
    .map((signer) => signer.sign(input))
    .join(' ');
}

function renderBody(unit: RenderUnit, endpoint: LiveEndpoint): { id: string; text: string } {
  const [first] = unit.deliveries;
  if (first === undefined) throw new Error('A post without a delivery.');
  const { groups, isBatch } = unit;
  const id = groups === null ? first.eventId : sharedId(unit);
  if (unit.text !== undefined) return { id, text: unit.text };
  if (groups === null) return { id, text: bodyFor(first.body, endpoint) };
  return { id, text: joinBodies(bodiesOf(groups, endpoint), isBatch) };
}

/** Of each group one body, as this endpoint gets it. */
export function bodiesOf(
  groups: readonly (readonly RenderDelivery[])[],
  endpoint: LiveEndpoint,
): string[] {
  return groups.map((group) => renderGroup(group, endpoint));
}

export function joinBodies(bodies: readonly string[], isBatch: boolean): string {
  return isBatch ? `[${bodies.join(',')}]` : bodies.join('');
}

/** Of several opens or clicks that are alike the first, and beside it how many there were. */
function renderGroup(group: readonly RenderDelivery[], endpoint: LiveEndpoint): string {
  const [first] = group;
  if (first === undefined) return '';
  const body = bodyFor(first.body, endpoint);
  if (group.length === 1) return body;
  const last: CanonicalEvent = JSON.parse(group.at(-1)?.body ?? first.body);
  const coalesced = {
    count: group.length,
    last_at: last.timestamp,
    event_ids: group.map(({ eventId }) => eventId),
  };
  // `data` is the event's last key (core/events/event-body.ts).
  return `${body.slice(0, -2)},"coalesced":${JSON.stringify(coalesced)}}}`;
}

/** The body of an event as this endpoint gets it. */
export function bodyFor(
  body: string,
  { record, redactKey }: Pick<LiveEndpoint, 'record' | 'redactKey'>,
): string {
  const mode = record.settings.redactRecipient;
  return mode === null ? body : redactEventBody(body, mode, redactKey);
}

/** The same events give the same id, so a repeated post of the same batch is known as such. */
function sharedId({ deliveries, isBatch }: RenderUnit): string {
  const hash = createHash('sha256');
  for (const { eventId } of deliveries) hash.update(eventId);
  return `${isBatch ? 'bat' : 'coa'}_${hash.digest('base64url').slice(0, 26)}`;
}
