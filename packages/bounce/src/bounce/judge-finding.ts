import { extractReply, type QuotedReply } from '../notice/extract-reply.ts';
import type { Finding } from '../notice/notice.ts';
import { type Classification, classifyReply } from '../reply/classify-reply.ts';
import type { DeliveryAction, ReportedRecipient } from '../report.ts';

/** A rule of less weight has not found the cause: the next text is asked. */
const ENOUGH = 0.6;

const MAX_TEXT_CHARS = 2_000;

/**
 * What is spent on the words of one report: a report of 100 recipients has some 30,000 characters.
 * Behind that, codes alone decide, so that a mail made to be slow costs no more than others.
 */
const MAX_WORDS_CHARS = 200_000;

/** Turns what a report says of its recipients into what it means. */
export function judgeFindings(findings: readonly Finding[]): ReportedRecipient[] {
  const budget = { charsLeft: MAX_WORDS_CHARS };
  return findings.map((finding) => judgeFinding(finding, budget));
}

function judgeFinding(finding: Finding, budget: { charsLeft: number }): ReportedRecipient {
  const action = finding.action ?? actionOfStatus(finding.status ?? null);
  const decided = decide(finding, budget);
  const { reply, code, status } = decided;
  const failed = action === 'failed' || action === 'delayed';
  const found = isHearsay(finding, decided) ? distrust(decided) : decided.found;
  return {
    recipient: finding.recipient,
    originalRecipient: finding.originalRecipient ?? null,
    action,
    status,
    smtpCode: code,
    diagnostic: reply?.quote || null,
    remoteMta: finding.remoteMta ?? null,
    reportingMta: finding.reportingMta ?? null,
    type: failed ? (action === 'delayed' ? 'soft' : found.type) : null,
    scope: failed ? found.scope : null,
    category: failed ? found.category : null,
    reason: failed ? found.description : null,
    rule: failed ? found.rule : null,
    confidence: failed ? found.confidence : null,
  };
}

interface Decided {
  reply: QuotedReply | null;
  code: number | null;
  status: string | null;
  found: Classification;
}

/** Asks one text after the other. Codes of an earlier text are kept for the later ones. */
function decide(finding: Finding, budget: { charsLeft: number }): Decided {
  let quoted: QuotedReply | null = null;
  let code: number | null = null;
  let status = finding.status ?? null;
  let best: { reply: QuotedReply | null; found: Classification } = {
    reply: null,
    found: classify({ code, status, text: '' }, finding),
  };
  for (const text of finding.texts) {
    if (budget.charsLeft <= 0) break;
    budget.charsLeft -= Math.min(text.length, MAX_TEXT_CHARS);
    const reply = extractReply(text);
    if (quoted === null && (reply.code !== null || reply.enhancedCode !== null)) quoted = reply;
    code ??= reply.code;
    status = betterStatus(reply.enhancedCode, status);
    const found = classify({ code, status, text: reply.text }, finding);
    if (best.reply === null || found.confidence > best.found.confidence) best = { reply, found };
    if (best.found.confidence >= ENOUGH) break;
  }
  return { reply: quoted ?? best.reply, code, status, found: best.found };
}

/**
 * "User unknown" at second hand: another server's reply, without a code that agrees and without a word
 * of which command it refused. After DATA, filters say so of mailboxes that exist (see classifyReply),
 * and nobody is suppressed for that. What the reporting server itself says of its users counts.
 */
function isHearsay({ stage, recipient }: Finding, { reply, status, found }: Decided): boolean {
  const { type, category, rule } = found;
  if (type !== 'hard' || category !== 'invalid_address' || !rule.startsWith('text:')) return false;
  if (stage !== undefined || reply?.code == null) return false;
  // Postfix puts `<address>: ` in front of what it answers to RCPT, and nowhere else.
  if (reply.text.toLowerCase().startsWith(`<${recipient.toLowerCase()}>: `)) return false;
  // A code of its own bears the words out, unless it says nothing, or speaks of a policy (X.7.X) or of a
  // mailbox that exists (X.2.X).
  return status === null || status.endsWith('.0.0') || status[2] === '7' || status[2] === '2';
}

/** What is left without the words: a code that speaks of the mailbox, or nothing to act on. */
function distrust({ code, status, found }: Decided): Classification {
  if (status?.[2] === '2') return classifyReply({ code, enhancedCode: status, text: '' });
  return { ...found, type: 'undetermined' };
}

function classify(
  { code, status, text }: { code: number | null; status: string | null; text: string },
  { stage }: Finding,
): Classification {
  // Without any code nobody was silent: the report just does not quote the reply.
  const known = code !== null || status !== null;
  return classifyReply({
    code,
    enhancedCode: status,
    text,
    ...(known && stage !== undefined ? { stage } : {}),
  });
}

/** The code that says more. Gateways put `5.0.0` into the report where the reply has `5.1.1`. */
function betterStatus(own: string | null, reported: string | null): string | null {
  if (own === null || reported === null) return own ?? reported;
  return own.endsWith('.0') && !reported.endsWith('.0') ? reported : own;
}

function actionOfStatus(status: string | null): DeliveryAction {
  return status?.startsWith('2') ? 'delivered' : 'failed';
}
