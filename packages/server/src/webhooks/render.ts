import type { KeyObject } from 'node:crypto';
import { signStandardWebhook } from '@posthorn/sdk';

const USER_AGENT = 'Posthorn/0.1 (+webhooks)';

/**
 * The headers of one attempt in Standard Webhooks. The body is the same bytes on every attempt; the
 * timestamp and so the signature are fresh, since receivers refuse what was signed long ago.
 */
export function renderHeaders(input: {
  eventId: string;
  keys: readonly KeyObject[];
  body: Uint8Array;
  nowMs: number;
}): string[] {
  const timestamp = Math.floor(input.nowMs / 1_000);
  const { eventId: id, body } = input;
  const signatures = input.keys.map((key) => signStandardWebhook({ key, id, timestamp, body }));
  return [
    'content-type',
    'application/json',
    'user-agent',
    USER_AGENT,
    'webhook-id',
    id,
    'webhook-timestamp',
    String(timestamp),
    'webhook-signature',
    signatures.join(' '),
  ];
}
