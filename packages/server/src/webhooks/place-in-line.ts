import type { CanonicalEvent } from '@posthorn/sdk';
import { type Urgency, urgencyOf } from '../core/events/urgency.ts';
import type { EndpointOrder } from '../core/webhooks/endpoint-settings.ts';

/** Which line of its endpoint a delivery stands in (null for none), and how urgent it is. */
export function placeInLine(
  order: EndpointOrder,
  event: CanonicalEvent,
): { orderKey: string | null; urgency: Urgency } {
  if (order === 'none') return { orderKey: null, urgency: urgencyOf(event.type) };
  const orderKey = order === 'per-endpoint' ? '' : keyOfMessage(event);
  // In a line everybody is as urgent as the one before.
  return { orderKey, urgency: 1 };
}

/** Events that belong to no message have a line of their own each. */
function keyOfMessage({ id, data }: CanonicalEvent): string {
  return data.message?.id ?? data.message?.provider_id ?? data.message?.smtp_id ?? id;
}
