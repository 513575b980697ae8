import { createHash } from 'node:crypto';
import type { CanonicalEvent } from '@posthorn/sdk';
import { toComparableAddress } from './mail-domain.ts';
import { isStream, type Stream } from './streams.ts';

/** Why an address gets no mail. */
export const SUPPRESSION_REASONS = [
  'hard_bounce',
  'soft_bounces',
  'complaint',
  'unsubscribe',
  'manual',
] as const;

export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/**
 * An address in the form in which the list knows it: all in lower case, an IDN in ASCII. To a receiving
 * server Anna@ and anna@ might be two people; in practice they never are.
 */
export function toSuppressedAddress(address: string): string {
  return toComparableAddress(address.trim()).toLowerCase();
}

/**
 * By what an entry is found. The project is part of it, so that equal addresses of two projects cannot
 * be told to be equal.
 */
export function hashSuppressed(projectId: string, address: string): string {
  const text = `${projectId}\n${toSuppressedAddress(address)}`;
  return createHash('sha256').update(text).digest('base64url');
}

/** What a project says about events that put addresses on its list (core/project-settings.ts). */
export interface SuppressionRules {
  /** Also by events that came from elsewhere, and not only by what became of our own mail. */
  fromElsewhere: boolean;
  /** So many messages that bounced softly put an address on the list; null for none. */
  softBounces: number | null;
}

/** What an event means for the list. */
export type SuppressionEffect =
  | { kind: 'add'; address: string; reason: SuppressionReason; stream: Stream | null }
  /** One more soft bounce, which counts where the project counts. */
  | { kind: 'count'; address: string; messageKey: string }
  | { kind: 'remove'; address: string; reason: 'unsubscribe'; stream: Stream | null };

/**
 * Pure: what an event does to the list. A bounce suppresses only when it is hard and the recipient
 * itself is to blame: a domain whose DNS is broken, a block list or a policy say nothing of a person.
 * An unsubscribe holds for its stream, and for `broadcast` when that is not known: nobody unsubscribes
 * from passwords to reset. A complaint holds for all.
 */
export function suppressionEffect(
  event: CanonicalEvent,
  rules: SuppressionRules,
): SuppressionEffect | null {
  const { type, data } = event;
  const { recipient: address } = data;
  if (address == null || data.test === true) return null;
  if (data.provider !== 'posthorn' && !rules.fromElsewhere) return null;
  const named = data.message?.stream;
  const stream = isStream(named) ? named : 'broadcast';
  switch (type) {
    case 'email.bounced':
      return effectOfBounce(event, address, rules);
    case 'email.complained':
      // What a receiver says of our signatures (RFC 6591), or that it is no spam (RFC 6430), is no complaint.
      if (data.complaint?.type === 'auth-failure' || data.complaint?.type === 'not-spam')
        return null;
      return { kind: 'add', address, reason: 'complaint', stream: null };
    case 'email.unsubscribed':
      return { kind: 'add', address, reason: 'unsubscribe', stream };
    case 'email.resubscribed':
      return { kind: 'remove', address, reason: 'unsubscribe', stream };
    default:
      return null;
  }
}

function effectOfBounce(
  { data }: CanonicalEvent,
  address: string,
  rules: SuppressionRules,
): SuppressionEffect | null {
  const { bounce, message } = data;
  if (bounce?.scope !== 'recipient') return null;
  if (bounce.type === 'hard') return { kind: 'add', address, reason: 'hard_bounce', stream: null };
  const messageKey = message?.id ?? message?.provider_id ?? message?.smtp_id ?? null;
  if (bounce.type !== 'soft' || messageKey === null || rules.softBounces === null) return null;
  return { kind: 'count', address, messageKey };
}

/** Types that suppressionEffect says something about: a look that costs next to nothing. */
export const SUPPRESSING_TYPES: ReadonlySet<string> = new Set([
  'email.bounced',
  'email.complained',
  'email.unsubscribed',
  'email.resubscribed',
]);
