// A table: words about the way, and the weak words that come last.
import { VERDICTS as V } from '../verdict.ts';
import type { ReplyRule } from './reply-rule.ts';

export const DELIVERY_RULES: readonly ReplyRule[] = [
  {
    id: 'loop',
    pattern: /\bloop|too many hops|hop count|mail forwarding/i,
    verdict: V.loop,
    source: 'RFC 3463 X.4.6; RFC 5321 6.3',
  },
  {
    id: 'dns',
    pattern:
      /name ?service|name ?server|dns (?:error|lookup|failure|problem|query|malfunction)|domain name system|(?:host|domain) name lookup|\bmx (?:lookup|record)|servfail|temporary lookup|lookup fail|could not be resolved/i,
    verdict: V.dns,
    source: 'RFC 3463 X.4.3; Postfix, Sendmail, Gmail, Exchange',
  },
  {
    id: 'timeout',
    pattern:
      /expired|timed? ?-?out|timeout|retry time|could not (?:be delivered|deliver)[^.;]{0,24}(?:for|within|in|after)\b|delivery time|unable to deliver[^.;]{0,24}(?:in|after)\b|in the queue too long|giving up|have been failing for a long time|(?:after|during|for) (?:the last )?[\d· ]+ (?:hour|day|minute|second)|multiple retries|not delivered within|failed \d+ attempts|retry limit/i,
    verdict: V.timeout,
    source: 'RFC 3463 X.4.7; Sendmail, Exim, qmail, Exchange, Yahoo, DragonFly',
  },
  {
    id: 'connection',
    pattern:
      /connect(?:ion)?s?\b[^.;]{0,20}(?:refused|lost|dropped|reset|closed|failed|fails|error|unsuccessful|broken|terminated|cut)|unable to connect|could(?:n'?t| not) (?:connect|establish)|can'?t connect|connect to|unreachable|not reachable|server (?:is )?(?:unavailable|busy|down)|no route|did not accept our requests to connect|starttls|\btls\b|\bssl\b|lost connection|not responding|socket error|no answer|bad connection|communication (?:failure|error)|remote protocol error|broken pipe/i,
    verdict: V.connection,
    source: 'RFC 3463 X.4.1 and X.4.2; Postfix, Exim, Sendmail, Gmail',
  },
  {
    id: 'policy',
    pattern:
      /policy|polic(?:y|ies)|administrative|prohibit|\bnot (?:allowed|permitted|authori[sz]ed|accepted)|access (?:is )?den(?:y|ied)|\bdenied\b|verboten|banned|blocked|bloque|(?:rejected|refused) (?:for|by|due)|mimecast|local violation|security|abgelehnt|abgewiesen|rejete|rechaz|rifiutat|rejeitad|geweigerd|user filter|domain filter|personal settings|拒否|拒绝|拒絕|отклонен/i,
    verdict: V.policy,
    source: 'RFC 3463 X.7.x; general words of refusal',
  },
  {
    id: 'system',
    pattern:
      /(?:internal|system|local|server|temporary|configuration|transaction|operating system|i\/o|database|mailer) (?:error|failure|problem|fail|malfunction)|local error|service (?:currently |temporarily |is )?(?:not available|unavailable)|try again|please retry|temporar(?:y|ily)|not currently accepting|system config|(?:ldap|database|backend|queue file|write error)|out of memory|command output|exit(?:ed)? (?:with )?(?:status|code)|could ?n[o']t (?:create|open|execute|write)/i,
    verdict: V.system,
    source: 'RFC 3463 X.3.x; local mailers',
  },
  {
    id: 'protocol',
    pattern:
      /syntax|unrecogni[sz]ed|not\simplemented|bad sequence|improper|protocol|(?:bad|unknown|invalid|unexpected) command|command (?:not|unknown|parameter|sequence|out of|failed)/i,
    verdict: V.protocol,
    source: 'RFC 5321 4.2.4; RFC 3463 X.5.x',
  },
  {
    id: 'refused',
    pattern: /\b(?:reject(?:ed|ion)?|refused|denied|unauthori[sz]ed|not accepted)\b/i,
    verdict: V.policy,
    weak: true,
    source: 'the bare word of refusal, when nothing else is said',
  },
];
