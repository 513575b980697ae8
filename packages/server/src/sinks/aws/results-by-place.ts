import { z } from 'zod';
import { SinkTrouble } from '../contract.ts';
import type { ItemFault } from '../sending/send-each.ts';
import { faultOf } from './batch-faults.ts';

const results = z.array(
  z.object({ ErrorCode: z.string().nullish(), ErrorMessage: z.string().nullish() }),
);

/**
 * How Kinesis and EventBridge answer: a result for each entry, in their order. Throws SinkTrouble
 * `unavailable` when there are not as many, because nobody knows then what was taken.
 */
export function resultsByPlace(
  size: number,
  answer: unknown,
  otherwise: ItemFault['code'],
): (ItemFault | null)[] {
  const found = results.safeParse(answer);
  if (!found.success || found.data.length !== size) {
    throw new SinkTrouble('unavailable', 'It answered with other than a result for each entry.');
  }
  return found.data.map(({ ErrorCode, ErrorMessage }) =>
    ErrorCode == null ? null : faultOf(ErrorCode, ErrorMessage ?? undefined, otherwise),
  );
}
