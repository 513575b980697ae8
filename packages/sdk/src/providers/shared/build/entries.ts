import type { DecodedEvent } from '../../provider.ts';
import { type Fields, isFields } from '../read/fields.ts';
import { invalidPayload } from '../read/request-body.ts';

/**
 * Decodes the entries of a body one by one. One that cannot be read does not cost the others: its
 * decoder makes `email.unknown` of it. But a body of which nothing is recognised is not this
 * provider's. Throws `invalid_payload`.
 */
export function decodeEntries(
  entries: readonly unknown[],
  options: {
    /** For the message: what such an entry is, and what it has to have. */
    expects: string;
    isEntry: (entry: Fields) => boolean;
    decode: (entry: Fields, index: number) => readonly DecodedEvent[];
  },
): DecodedEvent[] {
  const objects = entries.filter(isFields);
  if (entries.length > 0 && !objects.some(options.isEntry)) {
    throw invalidPayload(`This is not what the provider sends: expected ${options.expects}.`);
  }
  return objects.flatMap((entry, index) => options.decode(entry, index));
}
