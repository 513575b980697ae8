import type { Engine } from '../engine.ts';
import type { RecentEvents } from '../log/recent-events.ts';
import { createAttemptErasure, createDeliveryErasure } from './erase-attempts.ts';
import { createEventErasure } from './erase-events.ts';
import { createMessageErasure, createTransmissionErasure } from './erase-mail.ts';
import { createPayloadErasure } from './erase-payloads.ts';
import { createReceivedErasure } from './erase-received.ts';
import { createRefusalErasure, createSinkTroubleErasure } from './erase-sinks.ts';
import { createStateErasure } from './erase-states.ts';
import {
  createJobPartErasure,
  createSoftBounceErasure,
  createSuppressionErasure,
} from './erase-suppressions.ts';
import { createTranscriptErasure } from './erase-transcripts.ts';
import type { ErasureWalk } from './erasure-walk.ts';

/**
 * Everything in the store that can tell of a recipient, as walks that an erasure makes one after the
 * other. Webhooks as they came
 * in come first, then events: it is they that are owed to endpoints. What a project has set up (its
 * endpoints, say) is not touched, and remembered answers are sealed and go within a day.
 */
export interface Erasure {
  readonly walks: readonly { name: string; step: ErasureWalk }[];
}

export function createErasure(
  engine: Pick<Engine, 'db'>,
  recent: Pick<RecentEvents, 'clear'> | null = null,
): Erasure {
  const { db } = engine;
  return {
    walks: [
      // Before the events: what is left of one could be made again of its webhook.
      { name: 'payloads', step: createPayloadErasure(db) },
      { name: 'events', step: createEventErasure(db, () => recent?.clear()) },
      { name: 'deliveries', step: createDeliveryErasure(db) },
      { name: 'attempts', step: createAttemptErasure(db) },
      { name: 'refusals', step: createRefusalErasure(db) },
      { name: 'troubles of sinks', step: createSinkTroubleErasure(db) },
      { name: 'transmissions', step: createTransmissionErasure(db) },
      // Behind the transmissions: none of his is under way by then, to leave another one.
      { name: 'transcripts', step: createTranscriptErasure(db) },
      { name: 'messages', step: createMessageErasure(db) },
      { name: 'received mail', step: createReceivedErasure(db) },
      { name: 'states', step: createStateErasure(db) },
      { name: 'suppressions', step: createSuppressionErasure(db) },
      { name: 'soft bounces', step: createSoftBounceErasure(db) },
      { name: 'parts of jobs', step: createJobPartErasure(db) },
    ],
  };
}
