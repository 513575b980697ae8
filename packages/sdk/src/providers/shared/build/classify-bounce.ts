import type { BounceCategory, BounceScope, BounceType, EventBounce } from '../../../event.ts';
import { lookUp, text } from '../read/fields.ts';
import { enhancedCodeOf, smtpCodeIn, smtpCodeOf } from '../read/smtp-status.ts';
import { CATEGORY_CODES, CATEGORY_TEXTS, CATEGORY_WORDS, wordKey } from './bounce-words.ts';

export interface BounceReport {
  /** Where the provider says so itself. */
  type?: BounceType | null;
  /** Where its word is a category of ours. */
  category?: BounceCategory | null;
  /** Its own words for the cause, the most telling first. */
  words?: readonly unknown[];
  smtpCode?: unknown;
  enhancedCode?: unknown;
  /** What the receiving server said. */
  response?: unknown;
  /** The provider's prose. */
  description?: unknown;
  async?: boolean | null;
  suppressed?: boolean | null;
}

const MAX_CHARS = 2_000;

/** Whose fault each category is, where nothing more is known. */
const SCOPES: Readonly<Record<BounceCategory, BounceScope>> = {
  invalid_address: 'recipient',
  invalid_domain: 'domain',
  mailbox_full: 'recipient',
  mailbox_inactive: 'recipient',
  message_too_large: 'content',
  spam_content: 'content',
  blocked: 'infrastructure',
  policy: 'policy',
  relay_denied: 'policy',
  rate_limited: 'infrastructure',
  greylisted: 'policy',
  timeout: 'network',
  dns_failure: 'network',
  connection_failure: 'network',
  auto_reply: 'recipient',
  content_rejected: 'content',
  suppressed: 'recipient',
  other: 'policy',
};

/**
 * Type, category and scope of a bounce from what a provider reports: its own word first, then the
 * enhanced code (RFC 3463), then the text, then the basic code. Never throws.
 */
export function classifyBounce(report: BounceReport): EventBounce {
  const said = [report.response, report.description].map((one) => text(one) ?? '').join('\n');
  const enhancedCode = enhancedCodeOf(report.enhancedCode) ?? enhancedCodeOf(said);
  const smtpCode = smtpCodeOf(report.smtpCode) ?? smtpCodeIn(text(report.response));
  const category =
    report.category ?? categoryOfWords(report.words ?? []) ?? categoryOfReply(enhancedCode, said);
  const type = report.type ?? typeOf(category, enhancedCode, smtpCode);
  const description = text(report.description)?.slice(0, MAX_CHARS) ?? null;
  return {
    type,
    category: category ?? 'other',
    scope: scopeOf(category, type, said),
    description,
    ...(typeof report.async === 'boolean' ? { async: report.async } : {}),
    ...(typeof report.suppressed === 'boolean' ? { suppressed: report.suppressed } : {}),
  };
}

/**
 * For a provider that says no more than that a refusal is permanent: what neither code nor text
 * explains counts as the address's fault, as it does with the provider.
 */
export function classifyPermanent(report: BounceReport): EventBounce {
  const bounce = classifyBounce(report);
  return bounce.type === 'undetermined' ? classifyBounce({ ...report, type: 'hard' }) : bounce;
}

/** For a deferral: the category, where there is one, as `delivery.error_code`. */
export function deferralCause(report: BounceReport): BounceCategory | null {
  const { category } = classifyBounce(report);
  return category === 'other' ? null : category;
}

/** The category of the first word that has one. */
export function categoryOfWords(words: readonly unknown[]): BounceCategory | null {
  for (const word of words) {
    const key = wordKey(text(word)?.slice(0, 100) ?? '');
    const category = lookUp(CATEGORY_WORDS, key);
    if (category !== undefined) return category;
  }
  return null;
}

function categoryOfReply(enhancedCode: string | null, said: string): BounceCategory | null {
  const byCode = enhancedCode === null ? undefined : CATEGORY_CODES[enhancedCode.slice(2)];
  if (byCode !== undefined) return byCode;
  const bounded = said.slice(0, MAX_CHARS);
  return CATEGORY_TEXTS.find(([pattern]) => pattern.test(bounded))?.[1] ?? null;
}

function typeOf(
  category: BounceCategory | null,
  enhancedCode: string | null,
  smtpCode: number | null,
): BounceType {
  const isTemporary = enhancedCode?.startsWith('4') ?? (smtpCode !== null && smtpCode < 500);
  if (isTemporary) return 'soft';
  if (category === null || category === 'other') return 'undetermined';
  return category === 'invalid_address' || category === 'invalid_domain' ? 'hard' : 'soft';
}

function scopeOf(category: BounceCategory | null, type: BounceType, said: string): BounceScope {
  // A provider that calls a bounce hard and says nothing more means the address.
  if (category === null || category === 'other') return type === 'hard' ? 'recipient' : 'policy';
  // SPF, DKIM and DMARC are ours to set right.
  if (category === 'policy' && /\b(?:dmarc|dkim|spf)\b/i.test(said)) return 'infrastructure';
  return SCOPES[category];
}
