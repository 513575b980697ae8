// A table: words that blame the message.
import { VERDICTS as V } from '../verdict.ts';
import type { ReplyRule } from './reply-rule.ts';

/** What leaves no doubt; SPF and DKIM are often advised beside it. */
export const SPAM_VERDICT_RULES: readonly ReplyRule[] = [
  {
    id: 'spam-verdict',
    pattern:
      /(?:rejected|blocked|identified|classified|detected|flagged|considered|marked|scored|looks)\s(?:due to|as|to be|for|like|because of)\s(?:\w{1,20}\s){0,2}spam|spam (?:classification|detected|content|message rejected)/i,
    verdict: V.spam,
    strong: true,
    source: 'Google Groups, SpamAssassin, Exchange Online, Barracuda, Yandex',
  },
];

export const CONTENT_RULES: readonly ReplyRule[] = [
  {
    id: 'virus',
    pattern: /virus|malware|phish|infected|malicious|trojan|\bworm\b|\bexecutable\b/i,
    verdict: V.content,
    strong: true,
    source: 'ClamAV, amavis, Gmail, Exim content scanning',
  },
  {
    id: 'spam',
    pattern:
      /\bspam\b|\bspam(?:my|iness|assassin|ming)|\bube\b|\buce\b|unsolicited|unerwunscht|indesirable|no deseado|junk ?mail|bulk mail|mass mail|likely suspicious|scored as|\bHVU:B|mail content denied|message (?:has been )?filtered|high[- ]risk|suspicious|(?:looks|seems) like|pourriel|вредонос|спам|垃圾|迷惑メール|blocked by (?:our )?(?:content )?filter/i,
    verdict: V.spam,
    strong: true,
    source: 'SpamAssassin, Gmail, Outlook, Yahoo, T-Online, Yandex, NetEase',
  },
  {
    id: 'content-filter',
    pattern:
      /content (?:was )?(?:rejected|filter|blocked|denied|presents|not allowed|refused)|potential security issue|attachment|file ?type|\bhtml (?:mail|message)s? not|url[^.;]{0,20}(?:blocked|listed)|content examination|message content|contains? (?:a )?(?:forbidden|prohibited|banned|blocked|disallowed|unacceptable)/i,
    verdict: V.content,
    strong: true,
    source: 'Gmail 5.7.0, Postfix header_checks, Mimecast content policies, MIMEDefang',
  },
  {
    id: 'malformed',
    pattern:
      /malformed(?! or unexpected name)|bare (?:lf|cr|newline|<lf>|line ?feed)|headers? (?:error|missing|invalid|contains|line)|(?:invalid|illegal|duplicate|malformed|bad|missing|multiple|improper) (?:\S{1,20} )?(?:header|message-?id|mime|date)|rfc ?5?822|rfc ?532[12]|addresses in from|not (?:rfc|compliant)|missing (?:from|date|message-id|to)\b|non[- ]?ascii|8[- ]?bit|unencoded|line (?:too long|length)|null (?:byte|character)|media error|conversion|charset/i,
    verdict: V.content,
    source: 'RFC 3463 X.6.x; Gmail, Exim, Postfix smtpd restrictions',
  },
];
