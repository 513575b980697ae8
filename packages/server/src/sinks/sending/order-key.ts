import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { SinkItem } from '../contract.ts';

/** What keeps its order where a destination keeps it only among what has the same key. */
export const orderField = z.enum(['all', 'message', 'recipient']);
export type OrderBy = z.output<typeof orderField>;

/**
 * The same for all that must stay in order, 32 hex digits: a digest, because these keys are short, have
 * few signs, and are shown where no address of a person should be. What has no message or recipient
 * shares one key.
 */
export function orderKeyOf({ event }: Pick<SinkItem, 'event'>, by: OrderBy): string {
  const { message, recipient } = event.data;
  const mail = message?.id ?? message?.smtp_id ?? message?.provider_id;
  const whole = by === 'message' ? mail : by === 'recipient' ? recipient : null;
  return createHash('sha256')
    .update(`${by}\n${whole ?? ''}`)
    .digest('hex')
    .slice(0, 32);
}
