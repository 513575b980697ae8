// A table file: what the sandbox mail server does with each address. Printed by the demo.

/** When the server speaks: as the recipient is named, after the whole message, or not at all. */
export type SandboxStage = 'rcpt' | 'data' | 'hang-up';

export interface SandboxAddress {
  localPart: string;
  /** For people, in a few words. */
  does: string;
  stage: SandboxStage;
  /** `null` where nothing is refused, or without a word. */
  refusal: { code: number; text: string } | null;
  /** Attempts that fail before one is taken; `null`: all of them. */
  refusals: number | null;
  /** Wait before the answer, ms. */
  delayMs: number;
}

const taken = { stage: 'rcpt', refusal: null, refusals: 0, delayMs: 0 } as const;
const always = { stage: 'rcpt', refusals: null, delayMs: 0 } as const;

/** Long enough to be seen, far below any time-out. */
const SLOW_MS = 1_500;

export const SANDBOX_ADDRESSES: readonly SandboxAddress[] = [
  { ...taken, localPart: 'delivered', does: 'taken at once' },
  {
    ...always,
    localPart: 'bounce',
    does: 'refused: there is no such user',
    refusal: { code: 550, text: '5.1.1 No such user here' },
  },
  {
    ...always,
    localPart: 'defer',
    does: 'put off twice, then taken',
    refusal: { code: 450, text: '4.2.0 Mailbox busy, try again later' },
    refusals: 2,
  },
  {
    ...always,
    localPart: 'full',
    does: 'refused: the mailbox is full',
    refusal: { code: 552, text: '5.2.2 Mailbox full' },
  },
  {
    ...always,
    localPart: 'spam',
    does: 'refused for its content, after the whole message',
    stage: 'data',
    refusal: { code: 550, text: '5.7.1 Message content refused as spam' },
  },
  {
    ...always,
    localPart: 'blocked',
    does: 'refused: the sender is blocked',
    refusal: { code: 554, text: '5.7.1 Sender blocked by policy' },
  },
  { ...taken, localPart: 'slow', does: 'taken after a moment', delayMs: SLOW_MS },
  {
    ...always,
    localPart: 'drop',
    does: 'the line breaks after the message, once; then taken',
    stage: 'hang-up',
    refusal: null,
    refusals: 1,
  },
  {
    ...always,
    localPart: 'greylist',
    does: 'put off once, then taken',
    refusal: { code: 451, text: '4.7.1 Greylisted, please try again' },
    refusals: 1,
  },
];

const TAKEN: SandboxAddress = { ...taken, localPart: '*', does: 'taken at once' };

/** `Defer+orders@any.example` is `defer`; what the table does not name is taken. */
export function findSandboxAddress(address: string): SandboxAddress {
  const localPart = address.slice(0, address.lastIndexOf('@')).split('+')[0]?.toLowerCase();
  return SANDBOX_ADDRESSES.find((one) => one.localPart === localPart) ?? TAKEN;
}
