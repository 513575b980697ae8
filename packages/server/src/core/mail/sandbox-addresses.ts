// A table file: what happens to mail of a sandbox key, by the address that it goes to.
import { domainOf } from './mail-domain.ts';

/** Under a name that is nobody's for ever (RFC 6761 6.2). */
export const SANDBOX_DOMAIN = 'sandbox.test';

/** What follows a delivery, in this order. */
export type SandboxFollowUp =
  | 'opened'
  | 'opened_by_machine'
  | 'clicked'
  | 'complained'
  | 'unsubscribed'
  | 'autoresponded'
  | 'bounced_later';

export interface SandboxAddress {
  localPart: string;
  /** For people, in a few words. */
  does: string;
  /** What the server says that does not exist; null: it takes the message. */
  refusal: { code: number; enhancedCode: string; text: string } | null;
  /** Attempts that are refused before one is taken; null: all of them. */
  refusals: number | null;
  followUps: readonly SandboxFollowUp[];
  /** It is on the suppression list of the sandbox, which is this table. */
  isSuppressed: boolean;
}

const taken = { refusal: null, refusals: null, followUps: [], isSuppressed: false } as const;

export const SANDBOX_ADDRESSES: readonly SandboxAddress[] = [
  { ...taken, localPart: 'delivered', does: 'delivered' },
  {
    ...taken,
    localPart: 'deferred',
    does: 'put off once, then delivered',
    refusal: { code: 451, enhancedCode: '4.7.1', text: 'Greylisted, please try again' },
    refusals: 1,
  },
  {
    ...taken,
    localPart: 'stuck',
    does: 'put off until it expires',
    refusal: { code: 450, enhancedCode: '4.2.0', text: 'Mailbox busy, try again later' },
  },
  {
    ...taken,
    localPart: 'bounced',
    does: 'hard bounce: there is no such user',
    refusal: { code: 550, enhancedCode: '5.1.1', text: 'No such user here' },
  },
  {
    ...taken,
    localPart: 'bounced-soft',
    does: 'soft bounce: the mailbox is full',
    refusal: { code: 552, enhancedCode: '5.2.2', text: 'Mailbox full' },
  },
  {
    ...taken,
    localPart: 'bounced-spam',
    does: 'soft bounce: refused for its content',
    refusal: { code: 550, enhancedCode: '5.7.1', text: 'Message content refused as spam' },
  },
  {
    ...taken,
    localPart: 'bounced-later',
    does: 'delivered, then a hard bounce by a report',
    followUps: ['bounced_later'],
  },
  { ...taken, localPart: 'suppressed', does: 'on the suppression list', isSuppressed: true },
  { ...taken, localPart: 'opened', does: 'delivered, then opened', followUps: ['opened'] },
  {
    ...taken,
    localPart: 'opened-by-machine',
    does: 'delivered, then opened by a mail proxy',
    followUps: ['opened_by_machine'],
  },
  {
    ...taken,
    localPart: 'clicked',
    does: 'delivered, then opened and clicked',
    followUps: ['opened', 'clicked'],
  },
  {
    ...taken,
    localPart: 'complained',
    does: 'delivered, then reported as spam',
    followUps: ['complained'],
  },
  {
    ...taken,
    localPart: 'unsubscribed',
    does: 'delivered, then unsubscribed with one click',
    followUps: ['unsubscribed'],
  },
  {
    ...taken,
    localPart: 'autoresponded',
    does: 'delivered, then an automatic reply',
    followUps: ['autoresponded'],
  },
];

const DELIVERED: SandboxAddress = { ...taken, localPart: '*', does: 'delivered' };

/** `Bounced+order-7@sandbox.test` is `bounced`; at every other address mail is delivered. */
export function findSandboxAddress(address: string): SandboxAddress {
  if (domainOf(address).toLowerCase() !== SANDBOX_DOMAIN) return DELIVERED;
  const localPart = address.slice(0, address.lastIndexOf('@')).split('+')[0]?.toLowerCase();
  return SANDBOX_ADDRESSES.find((one) => one.localPart === localPart) ?? DELIVERED;
}
