import type { BounceCategory, BounceScope, BounceType } from '@posthorn/sdk';
import { ENHANCED_CODES, ENHANCED_SUBJECTS } from './enhanced-codes.ts';
import { readableWords } from './readable-words.ts';
import { REPLY_RULES } from './rules/index.ts';
import type { ReplyRule } from './rules/reply-rule.ts';
import { VERDICTS, type Verdict } from './verdict.ts';

/** Where in the SMTP conversation the reply came; the words are the transmitter's own. */
export type ReplyStage =
  | 'dns'
  | 'connect'
  | 'tls'
  | 'greeting'
  | 'ehlo'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'reply';

export interface ReplyToClassify {
  code: number | null;
  /** RFC 3463 (`5.1.1`). `null` where the server gave none. */
  enhancedCode: string | null;
  text: string;
  /** Left out where it is not known, as in most bounce messages. */
  stage?: ReplyStage | undefined;
}

export interface Classification {
  type: BounceType;
  category: BounceCategory;
  scope: BounceScope;
  description: string;
  /** True where the server asks to try again (4yz). */
  temporary: boolean;
  /**
   * What decided: `vendor:gmail-no-such-user`, `text:user-unknown`, `code:5.1.1`, `subject:5.7`,
   * `basic:550`, `stage:mail`.
   */
  rule: string;
  /** 0 to 1: how much a rule of this kind is worth. Not a probability that was measured. */
  confidence: number;
}

interface Decision {
  verdict: Verdict;
  rule: string;
  confidence: number;
  fromWords: boolean;
}

/** A longer reply says nothing new; the bound keeps matching cheap whatever a server sends. */
const MAX_CHARS = 2_000;

/** Before RCPT no recipient has been named, so no refusal can be a recipient's fault. */
const BEFORE_RECIPIENT: ReadonlySet<ReplyStage> = new Set([
  'connect',
  'tls',
  'greeting',
  'ehlo',
  'auth',
  'mail',
]);

/**
 * Says whose fault a refusal is. `hard` is answered only for a permanent refusal that names the
 * recipient or the domain as its cause; a bare `550` is `undetermined`. Decided from words that
 * outweigh any code (block lists, full mailboxes), then the enhanced code (RFC 3463), then the
 * words, then the basic code (RFC 5321 4.2.2). Pure and total.
 */
export function classifyReply(reply: ReplyToClassify): Classification {
  const text = reply.text.slice(0, MAX_CHARS);
  if (isSilence(reply)) {
    const verdict = /time/i.test(text) ? VERDICTS.timeout : VERDICTS.connection;
    return { ...verdict, type: 'soft', temporary: true, rule: 'stage:silence', confidence: 0.9 };
  }
  const temporary = isTemporary(reply.code, reply.enhancedCode);
  const { verdict, rule, confidence, fromWords } = decide(reply, text);
  const type = decideType(verdict, temporary, fromWords, reply.stage);
  return { ...verdict, type, temporary, rule, confidence };
}

/** A conversation that ended without a reply: nobody has refused anything. */
function isSilence({ code, enhancedCode, stage }: ReplyToClassify): boolean {
  return code === null && enhancedCode === null && stage !== undefined;
}

function isTemporary(code: number | null, enhancedCode: string | null): boolean {
  if (code !== null && code >= 400 && code < 600) return code < 500;
  return enhancedCode?.startsWith('4') ?? false;
}

/** The first rule whose words stand in `text`. */
function findRule(text: string): ReplyRule | undefined {
  const words = readableWords(text);
  return REPLY_RULES.find(({ pattern, raw }) => pattern.test(raw ? text : words));
}

function decide(reply: ReplyToClassify, text: string): Decision {
  const rule = findRule(text);
  if (reply.stage !== undefined && BEFORE_RECIPIENT.has(reply.stage)) {
    return blameSender(rule, reply);
  }
  const key = reply.enhancedCode?.slice(2);
  const meaning = key === undefined ? undefined : ENHANCED_CODES[key];
  if (rule?.strong) return fromRule(rule, agrees(rule, meaning?.verdict) ? 0.98 : 0.9);
  if (meaning?.definite) {
    const confidence = agrees(rule, meaning.verdict) ? 0.98 : 0.85;
    return { verdict: meaning.verdict, rule: `code:5.${key}`, confidence, fromWords: false };
  }
  if (rule !== undefined && !rule.weak) {
    return fromRule(rule, agrees(rule, meaning?.verdict) ? 0.9 : 0.75);
  }
  if (meaning !== undefined && meaning.verdict !== VERDICTS.unknown) {
    return { verdict: meaning.verdict, rule: `code:5.${key}`, confidence: 0.6, fromWords: false };
  }
  const subject = key === undefined ? undefined : ENHANCED_SUBJECTS[key.slice(0, 1)];
  if (subject !== undefined) {
    const name = `subject:5.${key?.slice(0, 1)}`;
    return { verdict: subject, rule: name, confidence: 0.5, fromWords: false };
  }
  const basic = fromBasicCode(reply.code);
  return rule !== undefined && basic.verdict === VERDICTS.unknown ? fromRule(rule, 0.6) : basic;
}

function agrees(rule: ReplyRule | undefined, verdict: Verdict | undefined): boolean {
  return rule !== undefined && rule.verdict.category === verdict?.category;
}

function fromRule(rule: ReplyRule, confidence: number): Decision {
  // A receiver's own documented token is as good as a code.
  const rank = rule.raw ? 'vendor' : 'text';
  return { verdict: rule.verdict, rule: `${rank}:${rule.id}`, confidence, fromWords: !rule.raw };
}

/** A refusal before RCPT: what words there are, unless they would blame the recipient. */
function blameSender(rule: ReplyRule | undefined, reply: ReplyToClassify): Decision {
  const decided = { rule: `stage:${reply.stage}`, confidence: 0.8, fromWords: true };
  const blamesRecipient = rule?.verdict.scope === 'recipient' || rule?.verdict.scope === 'domain';
  // Nothing but our network is known yet: "not allowed" can mean nothing else.
  const isVague = rule?.verdict === VERDICTS.policy && reply.stage !== 'mail';
  if (rule && !blamesRecipient && !isVague) return fromRule(rule, 0.9);
  if (reply.stage === 'mail') return { ...decided, verdict: VERDICTS.sender };
  if (reply.stage === 'auth') return { ...decided, verdict: VERDICTS.senderLogin };
  const refused = reply.code === 554 || reply.code === 550;
  return { ...decided, verdict: refused ? VERDICTS.reputation : VERDICTS.system };
}

function fromBasicCode(code: number | null): Decision {
  const verdict = verdictOfBasicCode(code);
  const known = verdict !== VERDICTS.unknown;
  return {
    verdict,
    rule: code === null ? 'none' : `basic:${code}`,
    confidence: known ? 0.5 : 0.2,
    fromWords: false,
  };
}

function verdictOfBasicCode(code: number | null): Verdict {
  switch (code) {
    case 521: // RFC 7504: the host takes no mail at all
    case 556:
      return VERDICTS.noMail;
    case 542: // Symantec Email Security.cloud: the address is not registered
      return VERDICTS.noMailbox;
    case 551: // RFC 5321 4.2.3: user not local
      return VERDICTS.moved;
    case 422:
    case 452:
    case 552:
      return VERDICTS.full;
    case 523:
      return VERDICTS.tooLarge;
    case 421:
    case 450:
    case 451:
      return VERDICTS.system;
    case 454:
    case 530:
    case 535:
      return VERDICTS.senderLogin;
    case 500:
    case 501:
    case 502:
    case 503:
    case 504:
    case 555:
      return VERDICTS.protocol;
    default:
      return VERDICTS.unknown;
  }
}

function decideType(
  verdict: Verdict,
  temporary: boolean,
  fromWords: boolean,
  stage: ReplyStage | undefined,
): BounceType {
  if (temporary) return 'soft';
  if (verdict === VERDICTS.unknown) return 'undetermined';
  const names = verdict.category === 'invalid_address' || verdict.category === 'invalid_domain';
  if (!names) return 'soft';
  // One reply after DATA stands for every recipient that RCPT accepted, and content filters like to
  // answer "user unknown" there. Words alone are not enough to suppress them all.
  return (stage === 'data' || stage === 'reply') && fromWords ? 'undetermined' : 'hard';
}
