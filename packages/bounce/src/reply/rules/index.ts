import { CONTENT_RULES, SPAM_VERDICT_RULES } from './content-rules.ts';
import { DELIVERY_RULES } from './delivery-rules.ts';
import { LIMIT_RULES } from './limit-rules.ts';
import { RECIPIENT_RULES } from './recipient-rules.ts';
import type { ReplyRule } from './reply-rule.ts';
import { NETWORK_RULES, SENDER_RULES } from './sender-rules.ts';
import { VENDOR_RULES } from './vendor-rules.ts';

/**
 * All rules over words, first match wins. The order is the argument: what a receiver names by its
 * own token, then what nobody's address is to blame for, then the recipient, then the weak words.
 */
export const REPLY_RULES: readonly ReplyRule[] = [
  ...VENDOR_RULES,
  ...LIMIT_RULES,
  ...SPAM_VERDICT_RULES,
  ...NETWORK_RULES,
  ...CONTENT_RULES,
  ...SENDER_RULES,
  ...RECIPIENT_RULES,
  ...DELIVERY_RULES,
];
