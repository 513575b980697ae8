import type { CanonicalEvent, EventData } from '@posthorn/sdk';
import { replaceAddress } from './events/redact-event.ts';
import { toComparableAddress } from './mail/mail-domain.ts';

/** What stands where an erased address was. */
export const ERASED = '[erased]';

/** The person that an erasure is about, known by an address. */
export interface Person {
  /** In lower case, an IDN in ASCII. */
  address: string;
  /** Capitals do not make another person, though to a receiving server they might. */
  has(address: string | null | undefined): boolean;
  /**
   * For LIKE over text in lower case: matches every text that the address may stand in, and a few
   * others. `replace` decides.
   */
  pattern: string;
  /** The value without the address, in whatever form it stands there; see replaceAddress. */
  replace<T>(value: T): T;
}

export function createPerson(address: string): Person {
  const key = toComparableAddress(address).toLowerCase();
  return {
    address: key,
    has: (other) => other != null && toComparableAddress(other).toLowerCase() === key,
    pattern: patternOf(key),
    replace: replaceAddress(address, ERASED),
  };
}

/** Letters and digits are the same in every form; an IDN is not, so it may be anything. */
function patternOf(address: string): string {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  const isIdn = /(^|\.)xn--/.test(domain);
  return `%${address.slice(0, at)}@${isIdn ? '' : domain}%`.replace(/[^a-z0-9]+/g, '%');
}

/**
 * The body of an event without the person. Of an event that has him as its recipient only what cannot
 * tell of him stays: the ids of the message, codes, states. In any other the address is replaced where
 * it stands. Null when the event has nothing of him.
 */
export function eraseFromEvent(
  body: string,
  recipient: string | null,
  person: Person,
): string | null {
  const event: CanonicalEvent = JSON.parse(body);
  // What came in belongs to who wrote it as well.
  const isTheirs = event.type === 'email.received' && person.has(event.data.message?.from);
  if (isTheirs || person.has(recipient) || person.has(event.data.recipient)) {
    return JSON.stringify({ ...event, data: person.replace(withoutPerson(event.data)) });
  }
  const replaced = JSON.stringify(person.replace(event));
  return replaced === JSON.stringify(event) ? null : replaced;
}

const KEPT = [
  'test',
  'provider',
  'source',
  'received_at',
  'provider_type',
  'provider_event_id',
  'reject',
  'sequence',
  'state',
  'previous_state',
] as const;

function withoutPerson(data: EventData): EventData {
  const { message, delivery, bounce, complaint, unsubscribe, engagement, suppression } = data;
  return {
    ...pick(data, KEPT),
    erased: true,
    recipient: null,
    ...(message === undefined
      ? {}
      : { message: { id: message.id, ...pick(message, ['smtp_id', 'provider_id']) } }),
    ...(delivery === undefined
      ? {}
      : {
          delivery: pick(delivery, [
            'attempt',
            'smtp_code',
            'enhanced_code',
            'tls',
            'latency_ms',
            'error_code',
          ]),
        }),
    ...(bounce === undefined ? {} : { bounce: { ...bounce, description: null } }),
    ...(complaint === undefined ? {} : { complaint: { type: complaint.type } }),
    ...(unsubscribe === undefined ? {} : { unsubscribe: { method: unsubscribe.method } }),
    ...(engagement === undefined
      ? {}
      : { engagement: pick(engagement, ['first', 'machine', 'machine_reason']) }),
    ...(suppression === undefined ? {} : { suppression: { ...suppression, note: null } }),
  };
}

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  const kept = keys.filter((key) => Object.hasOwn(from, key)).map((key) => [key, from[key]]);
  return Object.fromEntries(kept);
}
