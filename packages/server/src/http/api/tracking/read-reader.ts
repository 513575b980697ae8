import type { Reader } from '../../../mail/tracking/record-engagement.ts';
import type { RawRequest } from '../../route.ts';

/** Who asks, as far as a request shows it. */
export function readReader({ clientAddress, headers }: RawRequest): Reader {
  return { ip: clientAddress, userAgent: headers['user-agent'] ?? null };
}
