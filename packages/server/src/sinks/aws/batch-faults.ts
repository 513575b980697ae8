import { z } from 'zod';
import type { ItemFault } from '../sending/send-each.ts';
import { codeOfAws } from './aws-trouble.ts';

/** How SQS and SNS tell what they have not taken of a batch; Id is the place in it. */
const failedEntries = z.array(
  z.object({
    Id: z.string(),
    Code: z.string(),
    Message: z.string().optional(),
    /** False: it is theirs, and another try may help. */
    SenderFault: z.boolean(),
  }),
);

/** An answer for each entry. What is not among the failed has been taken. */
export function batchFaults(size: number, failed: unknown): (ItemFault | null)[] {
  const faults = Array<ItemFault | null>(size).fill(null);
  for (const { Id, Code, Message, SenderFault } of failedEntries.parse(failed ?? [])) {
    faults[Number(Id)] = faultOf(Code, Message, SenderFault ? 'refused' : 'unavailable');
  }
  return faults;
}

export function faultOf(
  errorCode: string,
  message: string | undefined,
  otherwise: ItemFault['code'],
): ItemFault {
  const detail = message === undefined || message === '' ? errorCode : `${errorCode}: ${message}`;
  return { code: codeOfAws(errorCode, otherwise), detail };
}
