import type { CanonicalEvent } from '@posthorn/sdk';
import { z } from 'zod';
import { defineSink } from '../contract.ts';
import { urlField } from '../setting-fields.ts';
import { postOneByOne } from './chat.ts';

const settings = z.strictObject({
  routing_key: z
    .string()
    .regex(/^\w{32}$/, 'The integration key of a service has 32 letters and digits.')
    .describe('The integration key of the service (Events API v2). Kept sealed and never shown.'),
  url: urlField
    .default('https://events.pagerduty.com/v2/enqueue')
    .describe('In the EU: https://events.eu.pagerduty.com/v2/enqueue.'),
});

/** A summary may be this long. */
const MAX_SUMMARY = 1_024;

/** Events API v2 (developer.pagerduty.com/docs/events-api-v2). What has recovered resolves what was failing. */
export const pagerduty = defineSink<z.output<typeof settings>>({
  kind: 'pagerduty',
  title: 'PagerDuty',
  summary: 'An alert for each event; what recovers resolves what was failing.',
  repeats: 'It is the same alert: dedup_key is the object that failed, or the id of the event.',
  settings,
  secrets: ['routing_key'],
  batch: 10,
  open: async ({ url, routing_key }, surroundings) =>
    postOneByOne(surroundings, {
      url,
      bodyOf: ({ headline, facts, severity }, { event }) => ({
        payload: {
          summary: headline.slice(0, MAX_SUMMARY),
          source: event.data.recipient_domain ?? 'posthorn',
          severity,
          timestamp: event.timestamp,
          class: event.type,
          custom_details: Object.fromEntries(facts),
        },
      }),
      wrap: (body, { event }) => ({
        event_action: isOver(event) ? 'resolve' : 'trigger',
        dedup_key: dedupKeyOf(event),
        ...body,
        routing_key,
      }),
    }),
});

/** Whether what an earlier event has told of is over. */
export function isOver({ type }: Pick<CanonicalEvent, 'type'>): boolean {
  return /(recovered|resolved)$/.test(type);
}

/** The same for what fails and what recovers, where an event is about a thing that does both. */
export function dedupKeyOf({ id, data }: CanonicalEvent): string {
  if (data.endpoint !== undefined) return `endpoint:${data.endpoint.id}`;
  if (data.stalled !== undefined) return `source:${data.stalled.source_id}`;
  if (data.alert !== undefined) return `alert:${data.alert.id}`;
  if (data.domain !== undefined) return `domain:${data.domain.name}`;
  return id;
}
