import type { EventType } from '@posthorn/sdk';
import {
  DEFAULT_ENDPOINT_SETTINGS,
  type EndpointSettings,
} from '../../../core/webhooks/endpoint-settings.ts';
import type { Random } from '../random.ts';

/** Of each urgency some, and those that coalesce. */
export const TYPES: readonly EventType[] = [
  'email.delivered',
  'email.sent',
  'email.bounced',
  'email.complained',
  'email.opened',
  'email.clicked',
];

const MINUTE_MS = 60_000;

/** What somebody may have set for an endpoint. */
export function drawSettings(random: Random): EndpointSettings {
  const order = random.weighted([
    [5, 'none' as const],
    [3, 'per-message' as const],
    [2, 'per-endpoint' as const],
  ]);
  const isBatched = random.chance(0.3);
  // What the API refuses: types that go singly would overtake those that wait for their batch.
  const isForSome = order !== 'per-endpoint' && random.chance(0.4);
  return {
    ...DEFAULT_ENDPOINT_SETTINGS,
    order,
    batch: isBatched
      ? {
          maxEvents: random.pick([2, 5, 30]),
          maxWaitMs: random.pick([1_000, 10_000, 60_000]),
          eventTypes: isForSome ? ['email.delivered', 'email.opened'] : null,
        }
      : null,
    coalesceMs: order === 'none' && random.chance(0.3) ? random.pick([1_000, 30_000]) : null,
    ratePerSecond: random.weighted([
      [5, null],
      [1, 1],
      [1, 5],
      [1, 50],
    ]),
    concurrency: random.weighted([
      [3, null],
      [1, 1],
      [1, 3],
    ]),
    timeoutMs: random.weighted([
      [3, null],
      [1, 2_000],
      [1, 30_000],
    ]),
    patienceMs: random.weighted([
      [4, null],
      [1, 2 * MINUTE_MS],
    ]),
    retryLadder: random.weighted<EndpointSettings['retryLadder']>([
      [4, null],
      [1, ['1s', '3s', '10s', '30s']],
      [1, ['2s']],
      [1, []],
      [1, 'postal'],
      [1, 'standard-webhooks'],
      [1, ['10s', '10s', '10s', '10s', '10s', '10s', '10s', '10s', '10s', '10s', '10s', '10s']],
    ]),
  };
}
