import { type CanonicalEvent, type Dialect, parseLosslessJson } from '@posthorn/sdk';
import { senderOf } from '../core/webhooks/dialects.ts';
import { livingKeys } from '../core/webhooks/signing-keys.ts';
import type { LiveEndpoint } from './endpoints/live-endpoint.ts';

/** A post in another format than ours: its bytes follow from the events, its signature from the time. */
export interface DialectPost {
  body: string;
  /** Name, value, name, value ... */
  headers: readonly string[];
}

/** What became of events when they were put into an endpoint's format. */
export type Encoded = DialectPost | { uncarried: string };

/**
 * Events as the endpoint gets them, before they are signed. `uncarried` says that its dialect has no
 * word for one of them: it was owed before the dialect was chosen, or sent by hand.
 */
export function encodeForEndpoint(
  endpoint: LiveEndpoint,
  bodies: readonly string[],
  isList: boolean,
): Encoded {
  const { dialect, record } = endpoint;
  const events = bodies.map((body) => parseLosslessJson(body) as CanonicalEvent);
  const stranger = events.find(({ type }) => dialect.carries[type] === undefined);
  if (stranger !== undefined) {
    return {
      uncarried: `The dialect ${record.settings.dialect} has no word for ${stranger.type}.`,
    };
  }
  const batch = { events, isList: isList || isAlwaysList(dialect) };
  return dialect.encode(batch, senderOf(record.projectId, record.settings));
}

export const isAlwaysList = ({ lists }: Dialect): boolean => typeof lists === 'object';

export function signForEndpoint(
  endpoint: LiveEndpoint,
  post: DialectPost,
  { id, nowMs }: { id: string; nowMs: number },
): DialectPost {
  return endpoint.dialect.sign(post, {
    id,
    nowMs,
    keys: livingKeys(endpoint.signers, nowMs),
    certificateUrl: (keyId) => certificateUrlOf(endpoint, keyId),
  });
}

/** Where endpoint-certificate-routes.ts serves it. Verifiers of SNS want a path that ends in `.pem`. */
function certificateUrlOf({ record, sender }: LiveEndpoint, keyId: string): string {
  const origin = sender.publicUrl ?? `https://${sender.host}`;
  return `${origin}/v1/endpoints/${record.id}/certificates/${keyId}.pem`;
}
