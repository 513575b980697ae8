import type { DecodedEvent } from './provider.ts';
import { buildEvent } from './shared/build/build-event.ts';
import { type Fields, fields, text } from './shared/read/fields.ts';
import { timeOf } from './shared/read/timestamps.ts';

/** Changes of Mandrill's deny and allow lists, which it posts among the events of messages. */

const SUPPRESSION_REASONS: ReadonlyMap<string, string> = new Map([
  ['hard-bounce', 'hard_bounce'],
  ['soft-bounce', 'hard_bounce'],
  ['spam', 'complaint'],
  ['unsub', 'unsubscribe'],
]);

/** An address was put on the deny or allow list, or taken off. To be allowed ends a denial. */
export function decodeListChange(provider: string, entry: Fields): DecodedEvent {
  const name = text(entry['type']);
  const action = text(entry['action']);
  const item = fields(entry['reject'] ?? entry['entry']);
  const isAdded = name === 'blacklist' && (action === 'add' || action === 'change');
  const isRemoved =
    (name === 'blacklist' && action === 'remove') || (name === 'whitelist' && action === 'add');
  const type = isAdded ? 'suppression.added' : isRemoved ? 'suppression.removed' : 'email.unknown';
  const reason = text(item['reason']) ?? 'manual';
  return buildEvent(provider, {
    type,
    providerType: name,
    timestamp: timeOf(entry['ts']),
    recipient: item['email'],
    ...(type === 'email.unknown'
      ? {}
      : {
          suppression: {
            reason: SUPPRESSION_REASONS.get(reason) ?? 'manual',
            by: provider,
            expires_at: timeOf(item['expires_at']),
            note: text(item['detail'])?.slice(0, 1_000) ?? null,
          },
        }),
    raw: entry,
  });
}
