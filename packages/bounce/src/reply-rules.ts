// A table: what the words of SMTP replies say, first match wins. The texts are those that Gmail,
// Outlook/Exchange, Yahoo, iCloud, Postfix, Exim, qmail, sendmail, Proofpoint, Mimecast, Barracuda
// and the block lists publish or are known for.
import { VERDICTS, type Verdict } from './verdict.ts';

export interface ReplyRule {
  /** No nested or unbounded adjacent repetition: matching time is linear in a bounded text. */
  pattern: RegExp;
  verdict: Verdict;
  /**
   * True: the words outweigh a definite enhanced code. Only causes that are *not* the recipient's
   * are allowed it, since suppressing a good address is the costly error.
   */
  strong?: true;
}

const V = VERDICTS;

export const REPLY_RULES: readonly ReplyRule[] = [
  // A receiver that calls back, limits or defers says so in words whatever code it picks.
  {
    pattern: /gr[ea]y-?list|postgrey|early retry|deferred.{0,30}try again (?:later|in)/i,
    verdict: V.greylisted,
    strong: true,
  },
  {
    pattern:
      /receiving mail (?:at a rate|too quickly)|recipient.{0,30}(?:rate|hourly|daily).{0,15}(?:limit|exceed)/i,
    verdict: V.recipientRate,
    strong: true,
  },
  {
    pattern:
      /rate.?limit|\bthrottl|too many (?:connections|messages|mails?|e-?mails|recipients|sessions|concurrent|errors|requests|invalid)|too (?:fast|frequent|much mail)|frequency limited|sent to too many|(?:message|sending|sender|connection|daily|hourly|outgoing|sending) (?:rate|limit|quota).{0,20}exceed|unusual rate of|temporarily deferred due to|reduce (?:your )?(?:sending|message) rate|\bTSS?0[0-9]\b/i,
    verdict: V.rate,
    strong: true,
  },

  // Full: before the block lists, because quota notices link to help pages with all sorts of words.
  {
    pattern:
      /(?:mailbox|inbox|maildir|mail ?folder|account|user|recipient|storage)[^.;]{0,40}(?:\bfull\b|over ?quota|over (?:its |the )?(?:size |storage )?(?:quota|limit|allocation)|exceed(?:s|ed)?[^.;]{0,20}(?:quota|storage|size|allocation|limit)|out of (?:storage|space))|quota (?:has been )?(?:exceeded|violation|full)|exceeded (?:storage|its quota|the quota|mail ?box|email quota)|over ?quota|not enough (?:storage|space)|insufficient (?:mailbox|user) storage|mailfolder is full|disk quota/i,
    verdict: V.full,
    strong: true,
  },
  {
    pattern:
      /insufficient (?:system )?(?:disk|storage)|system (?:storage|disk)|no space left|disk (?:is )?full|insufficient system resources/i,
    verdict: V.system,
  },

  // Our own address, name or network.
  {
    pattern:
      /spamhaus|spamcop|barracudacentral|\bsorbs\b|uceprotect|invaluement|spamrats|abuseat|cloudmark|senderscore|proofpoint\.com|ipcheck|\brbls?\b|dnsbl|block ?list|black ?list|deny ?list|\bCSI Reputation|(?:poor|bad|low|ip|sender|domain) reputation|\breputation\b/i,
    verdict: V.reputation,
    strong: true,
  },
  {
    pattern:
      /(?:\bip\b|client|host|server|network|connections?|address \[|\[[0-9a-f.:]{7,45}\])[^.;]{0,40}(?:\bblocked|\bbanned|not allowed|not permitted|\brejected: blocked|listed (?:in|by|at|on)|refused due)|(?:banned|blocked|denied) (?:sending )?(?:ip|sender|host)|block(?:ed)? using|blocked by (?:\S{1,40} )?(?:ip|list|policy)|access denied, banned|part of their network is on our|Client host rejected|\bS3140\b|\bS3150\b|refused to talk to me|service (?:was )?refused/i,
    verdict: V.reputation,
    strong: true,
  },
  {
    pattern:
      /reverse (?:dns|lookup|hostname|ip)|\bptr\b|\brdns\b|fcrdns|cannot find your (?:reverse )?hostname|does not resolve|mismatches client ip|valid (?:helo|ehlo)|(?:helo|ehlo) (?:command )?(?:rejected|name|host)/i,
    verdict: V.reverseDns,
    strong: true,
  },
  {
    pattern:
      /\bdmarc\b|\bdkim\b|\bspf\b|sender policy framework|authentication (?:information|checks?|results?) |fails to pass authentication|unauthenticated (?:e-?mail|senders?)|purported responsible|not authenticated/i,
    verdict: V.authentication,
    strong: true,
  },
  {
    pattern:
      /sender (?:address )?(?:rejected|verif|denied|refused|blocked|domain|unknown|not)|(?:verify|callout|lookup)[^.;]{0,30}sender|(?:from|sender|mail from|return[- ]path)[^.;]{0,30}(?:invalid|does not exist|not exist|unresolvable|not verified|domain (?:must|not|does)|null mx)|invalid sender|bad sender|e-?mail address is not verified|domain of sender/i,
    verdict: V.sender,
    strong: true,
  },
  {
    pattern:
      /smtp auth|authentication (?:is )?(?:required|needed)|must (?:be )?(?:authenticate|log ?in)|not logged in|please (?:log ?in|turn on smtp auth)|unauthenticated senders/i,
    verdict: V.senderLogin,
    strong: true,
  },

  // The message.
  { pattern: /virus|malware|phish|infected|malicious/i, verdict: V.content, strong: true },
  {
    pattern:
      /\bspam\b|\bspam(?:my|iness)?[- ](?:content|score|like|message|detected|filter)|\bube\b|\buce\b|unsolicited|junk mail|bulk mail|mass mail|likely suspicious|scored as|\bHVU:B|content (?:rejected|filter|blocked)|mail content denied|message (?:has been )?filtered|high[- ]risk|suspicious/i,
    verdict: V.spam,
    strong: true,
  },
  {
    pattern:
      /(?:message|size|mail|content)[^.;]{0,30}(?:too (?:large|big|long)|exceeds?[^.;]{0,30}(?:size|limit|maximum)|over (?:the )?(?:max|size))|maximum (?:message )?size|size limit|MessageSizeLimit|RecipSizeLimit/i,
    verdict: V.tooLarge,
    strong: true,
  },
  {
    pattern:
      /bare (?:lf|cr|newline|<lf>)|header(?:s)? (?:error|missing|invalid)|rfc ?5?822|rfc ?5322|multiple addresses in from|not (?:rfc|compliant)|attachment|duplicate header|missing (?:from|date|message-id)/i,
    verdict: V.content,
  },

  // The mailbox stands, but does not take mail now. Suspended comes before unknown: "user disabled".
  {
    pattern:
      /(?:mailbox|account|user|recipient|address|compte)[^.;]{0,50}(?:disabled|suspend|inactive|locked|frozen|deactivated|blocked|bloque|restricted|expired|on hold|not active|temporar(?:il)?y (?:unavailable|locked|disabled)|is not accepting)|(?:disabled|inactive|suspended|frozen|locked|expired|deactivated)[^.;]{0,20}(?:recipient|mailbox|user|account|address)|temporar(?:il)?y (?:locked|disabled|suspended|blocked)|is (?:currently )?not activated/i,
    verdict: V.inactive,
    strong: true,
  },
  {
    pattern:
      /recipient preferences|not (?:authori[sz]ed|allowed|permitted) to (?:send|post|mail)|restricted[- ]?(?:recipient|group|list)|(?:group|list)[^.;]{0,40}(?:members only|moderat|may not exist, or you)|only (?:members|subscribers)|RESOLVER\.RST\.|whitelist|allow ?list|not accepting mail from|challenge[- ]response/i,
    verdict: V.preferences,
    strong: true,
  },

  // The domain.
  {
    pattern:
      /null mx|doesn'?t receive e?-?mail|does(?: not|n'?t) accept (?:e-?)?mail|domain does not accept|no mail (?:is )?accepted/i,
    verdict: V.noMail,
  },
  {
    pattern:
      /(?:recipient|destination)? ?(?:address rejected: )?(?:domain|host) (?:name )?(?:not found|does(?: not|n'?t) exist|unknown|is not (?:found|reachable)|invalid|has no)|host or domain name not found|nxdomain|no such (?:domain|host)|unrouteable (?:mail )?domain|(?:unknown|bad|invalid) (?:destination )?(?:domain|host)|couldn'?t find any host|domain .{0,60} (?:does not exist|not found)|domain is not reachable|all relevant mx records point to non-existent/i,
    verdict: V.noDomain,
  },

  // The address. Microsoft's edge says "Access denied" for a recipient that its directory lacks.
  { pattern: /recipient address rejected: access denied/i, verdict: V.noMailbox },
  {
    pattern:
      /(?:recipient|mailbox|user|account|address|alias|person|member)(?: [^.;]{0,60})? (?:not found|(?:does|do|did)(?: not|n'?t) exist|not exist|unknown|is unknown|not known|non-?existent|isn'?t (?:here|valid|known)|not here|is invalid|no longer (?:exists?|valid|in use|on (?:this )?server|available))|(?:no such|unknown|invalid|non-?existent|not a valid|bad|nonexistent) (?:local )?(?:user|recipients?|mailbox|e-?mail|address|account|destination mailbox|person|local part|alias|rcpt)|user (?:\S{1,80} )?(?:unknown|not exist)|doesn'?t have an? \S{1,40} account|no mailbox (?:here|by|found|exists)|mailbox (?:name )?(?:not|un)(?: found|available|known| available| allowed| valid| exists?)|not (?:our|my|a local|a known|a valid) (?:user|customer|mailbox|recipient|address)|unrouteable address|addressee unknown|(?:account|address|mailbox) that you tried to reach does not exist|recipient(?:s)? (?:address )?(?:rejected|refused|invalid)(?:: (?:user|no|unknown|undeliverable|invalid|recipient)|\.)|undeliverable address|recipnotfound|recipientnotfound|destinataire invalide|unknown or illegal alias|no account by that name|can'?t (?:verify|find) (?:recipient|user)|cannot find (?:the )?(?:user|recipient|mailbox)|recipient not (?:found|recogni[sz]ed|on file)|#5\.1\.0 address rejected/i,
    verdict: V.noMailbox,
  },
  {
    pattern:
      /has moved|user moved|moved to|changed (?:e-?mail )?address|no longer (?:works|employed|with)/i,
    verdict: V.moved,
  },

  {
    pattern:
      /relay(?:ing)? (?:access )?(?:not (?:permitted|allowed)|denied|prohibited)|(?:unable|not permitted|not allowed|won'?t|cannot|don'?t) (?:to )?relay|we do not relay|not (?:a|in my list of) (?:local|allowed) ?(?:domain|rcpthosts)|isn'?t in my list of allowed|rcpthosts|TenantAttribution/i,
    verdict: V.relay,
  },
  { pattern: /loop|too many hops|hop count|mail forwarding/i, verdict: V.loop },
  {
    pattern:
      /name service|name server|dns (?:error|lookup|failure|problem)|\bmx (?:lookup|record)|servfail|temporary lookup/i,
    verdict: V.dns,
  },
  {
    pattern:
      /expired|timed? ?out|timeout|retry time|could not be delivered (?:for|within|in)|delivery time|unable to deliver in/i,
    verdict: V.timeout,
  },
  {
    pattern:
      /connection (?:refused|lost|dropped|reset|closed|failed)|connect(?:ion)? to|unreachable|no route|did not accept our requests to connect|starttls|\btls\b|lost connection/i,
    verdict: V.connection,
  },
  {
    pattern:
      /policy|polic(?:y|ies)|administrative|prohibit|\bnot (?:allowed|permitted|authori[sz]ed|accepted)|access denied|denied|verboten|banned|blocked|rejected for|community\.mimecast|mimecast|local violation|security/i,
    verdict: V.policy,
  },
  { pattern: /message (?:content )?(?:rejected|refused)/i, verdict: V.content },
  {
    pattern:
      /(?:internal|system|local|server|temporary|configuration|transaction) (?:error|failure|problem|fail)|local error|service (?:currently |temporarily |is )?(?:not available|unavailable)|try again|please retry|temporar(?:y|ily)|not currently accepting|system config/i,
    verdict: V.system,
  },
  {
    pattern: /syntax|unrecogni[sz]ed|not\simplemented|bad sequence|improper|protocol|command/i,
    verdict: V.protocol,
  },
];
