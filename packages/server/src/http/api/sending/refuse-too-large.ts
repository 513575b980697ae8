import { PosthornError } from '../../../lib/errors.ts';

/** Throws `too_large`. */
export function refuseTooLarge(sizeBytes: number, maxBytes: number): void {
  if (sizeBytes <= maxBytes) return;
  const detail = `With its parts encoded the message comes to ${sizeBytes} bytes; it may have ${maxBytes}.`;
  throw new PosthornError('too_large', detail);
}
