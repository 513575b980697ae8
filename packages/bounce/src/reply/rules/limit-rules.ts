// A table: words about rates, greylisting, quotas and sizes. None of them is an address's fault.
import { VERDICTS as V } from '../verdict.ts';
import type { ReplyRule } from './reply-rule.ts';

export const LIMIT_RULES: readonly ReplyRule[] = [
  {
    id: 'greylisted',
    pattern:
      /gr[ea]y-?list|postgrey|early retry|deferred[^.]{0,30}try again (?:later|in)|internal resources? (?:is |are )?temporarily unavailable|you are being delayed/i,
    verdict: V.greylisted,
    strong: true,
    source: 'RFC 6647; Postgrey, SQLgrey, milter-greylist, Mimecast',
  },
  {
    id: 'recipient-rate',
    pattern:
      /receiving (?:(?:e-?)?mail|messages?) (?:at a rate|too (?:quickly|fast))|recipient[^.;]{0,30}(?:rate|hourly|daily)[^.;]{0,15}(?:limit|exceed)|(?:user|recipient|mailbox) is busy/i,
    verdict: V.recipientRate,
    strong: true,
    source: 'Gmail, Exchange Online, Yahoo (450 User is receiving mail too quickly)',
  },
  {
    id: 'rate',
    pattern:
      /rate.?limit|\bthrottl|too many (?:connections|messages|mails?|e-?mails|recipients|rcpts?|sessions|concurrent|errors|requests|invalid|unknown|bad|hops from)|trop de (?:connexions|messages)|demasiad[ao]s (?:conexiones|mensajes)|zu viele (?:verbindungen|nachrichten|empfanger)|too (?:fast|frequent)\b|frequency limit|sent to too many|(?:sending|sender|connection|daily|hourly|outgoing)[- ](?:rate|limit|quota)[^.;]{0,20}(?:exceed|reached)|(?:messages?|recipients?|mails?)[- ](?:rate|limit|per (?:hour|day|minute|connection))[^.;]{0,20}(?:exceed|reached)|exceeded[^.;]{0,30}(?:messages|recipients|connections|mails) (?:per|allowed|limit)|maximum (?:number of )?(?:connections|recipients|messages)|unusual (?:rate|volume|traffic)|temporarily deferred due to|reduce (?:your )?(?:sending|message) rate|slow down|(?:reached|exceeded) your (?:daily|hourly)|\bper (?:connection|session)\b|message submission rate/i,
    verdict: V.rate,
    strong: true,
    source: 'Postfix anvil, Exchange, Gmail, Yahoo, GoDaddy, Orange and others',
  },
  {
    id: 'mailbox-full',
    pattern:
      /(?:mailbox|inbox|maildir|mail ?folder|mail ?drop|account|user|recipient|storage|boite|postfach|casella|buzon|caixa|postvak)[^.;]{0,40}(?:\bfull\b|pleine|\bvoll\b|piena|lleno|llena|cheia|\bvol\b|over ?quota|over (?:its |the |their )?(?:size |storage |disk )?(?:quota|limit|allocation)|exceed(?:s|ed|ing)?[^.;]{0,24}(?:quota|storage|size|allocation|limit|capacity)|out of (?:storage|space)|has reached[^.;]{0,20}(?:limit|quota|maximum))|quota (?:has been )?(?:exceeded|violation|full|limit)|(?:exceed(?:s|ed)?|reached)[^.;]{0,12}(?:storage|(?:its|the|their|user|disk|mail|email|mailbox) ?quota|mail ?box(?:es)? (?:size|quota|limit)|allowed (?:mailbox|quota))|over ?quota|no space|not enough (?:storage|space|disk|room)|insufficient (?:mailbox|user) (?:storage|space|quota)|mailfolder is full|disk quota|full (?:mailbox|inbox)|too much mail\b|mailbox size|mailbox limit|too many messages (?:in|on)|number of messages in (?:the )?(?:recipient|mailbox|user)|depassement de quota|quota (?:depasse|superad|esaurit|excedid|uberschritten)|speicherplatz|kontingent|一杯|いっぱい|容量|空间不足|已满|переполнен|превыш/i,
    verdict: V.full,
    strong: true,
    source:
      'RFC 3463 X.2.2; Dovecot, Cyrus, qmail/vpopmail, Sendmail local mailers, ISPs in several languages',
  },
  {
    id: 'message-size',
    pattern:
      /(?:message|size|mail|content|attachment)s?\b[^.;]{0,30}(?:(?<!queue )too (?:large|big|long)|exceeds?[^.;]{0,40}(?:size|limit|maximum|allowed)|exceeded (?:the )?(?:maximum|limit|size)|over (?:the )?(?:max|size|limit)|larger than)|(?:maximum|max) (?:message|allowed|mail)?[ -]?size|size limit|over-?size|MessageSizeLimit|nachricht zu gro|message trop (?:gros|volumineux|long)/i,
    verdict: V.tooLarge,
    strong: true,
    source: 'RFC 1870; RFC 3463 X.2.3 and X.3.4; Postfix, Exim, Exchange, Gmail',
  },
  {
    id: 'system-full',
    pattern:
      /insufficient (?:system )?(?:disk|storage|resources)|system (?:storage|disk)|no space left|disk (?:is )?full|insufficient system (?:resources|storage)|mail system full/i,
    verdict: V.system,
    source: 'RFC 5321 4.2.3 (452); RFC 3463 X.3.1',
  },
];
