import { text } from '../read/fields.ts';

/** Our words for why a message was refused before trying, out of providers' words and sentences. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/unsub|opt.?out/i, 'unsubscribed'],
  [
    /suppress|bounced|spam report|complain|previous|hard.?bounce|block(?:ed|list)|deny ?list|black ?list|preblocked|inactive/i,
    'suppressed',
  ],
  [/duplicate/i, 'duplicate'],
  [/virus|spam|content|malware/i, 'spam_content'],
  [
    /invalid|malformed|bad.?(?:mailbox|email|address)|not exist|syntax|unknown user|no such/i,
    'invalid_address',
  ],
  [/suspend|limit|quota|not enough|credit|payment|account/i, 'account_suspended'],
  [/policy|rule|unsigned|test.?mode|custom|dmarc|unauthori[sz]ed|not verified|sender/i, 'policy'],
];

/** The first of the values that says something decides. */
export function rejectReasonOf(...values: readonly unknown[]): string {
  for (const value of values) {
    const said = text(value)?.slice(0, 1_000);
    const found = REASONS.find(([pattern]) => said !== undefined && pattern.test(said));
    if (found !== undefined) return found[1];
  }
  return 'other';
}
