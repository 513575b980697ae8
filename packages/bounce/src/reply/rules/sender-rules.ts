// Tables: words that blame the sending network, and words that blame the sender's name.
import { VERDICTS as V } from '../verdict.ts';
import type { ReplyRule } from './reply-rule.ts';

export const NETWORK_RULES: readonly ReplyRule[] = [
  {
    id: 'sender-authentication',
    pattern:
      /\bdmarc\b|\bdkim\b|\bspf\b|\bsender[- ]id\b|sender policy framework|authentication (?:information|checks?|results?|policy)|fails? to pass authentication|unauthenticated (?:e-?mail|mail|message|senders?)|is (?:not )?unauthenticated|purported responsible|not authenticated/i,
    verdict: V.authentication,
    strong: true,
    source: 'RFC 7489, 7208, 6376; RFC 7372 (X.7.20 to X.7.29)',
  },
  {
    id: 'reputation',
    pattern:
      /block ?list|black ?list|\bblocklisted|deny ?list|\bCSI Reputation|(?:poor|bad|low|ip|sender|domain|server) reputation|\breputation\b|open (?:mail )?relay\b|open proxy|schwarze[rn]? liste|liste noire|lista (?:negra|nera)|black-?listed/i,
    verdict: V.reputation,
    strong: true,
    source: 'refusals of Proofpoint, Barracuda, Mimecast, Cisco, GMX and servers with block lists',
  },
  {
    id: 'blocked-network',
    pattern:
      /(?:\bip\b|ip=|client|host|server|network|connections?|address \[|\[[0-9a-f·:]{7,45}\])[^.;]{0,40}(?:\bblocked|\bbanned|not allowed|not permitted|\brejected: blocked|listed (?:in|by|at|on)|refused due|has been denied|is rejected|not accepted)|[0-9]{1,3}(?:·[0-9]{1,3}){3}[^.;]{0,24}(?:blocked|listed|banned|denied|rejected|not allowed)|(?:banned|blocked|denied|bad|malicious) (?:sending )?(?:ip|sender|host)|block(?:ed)? using|blocked by (?:\S{1,40} )?(?:ip|list)|connection (?:was )?denied|access denied, banned|part of their network is on our|client host rejected|refused to talk to me|service (?:was )?refus|no access from mail server|(?:smtp|mail) ?server of your (?:isp|provider)|your (?:isp|provider)'?s? (?:smtp|mail)|dynamic (?:ip|address|pool|host)|residential|email from your (?:server|ip|network)|your (?:ip|server|mail server|network|host)\b[^.;]{0,40}(?:block|ban|reject|refus|list)|no smtp service (?:here|available)|smtp service not available|problem occurred\W{0,10}ask your postmaster/i,
    verdict: V.reputation,
    strong: true,
    source: 'RFC 5321 3.1 (554 greeting); Postfix, Exchange, GMX, T-Online, AT&T, Orange',
  },
  {
    id: 'reverse-dns',
    pattern:
      /reverse[- ](?:dns|lookup|hostname|ip|mapping|resolution)|\bptr\b|\brdns\b|fcrdns|cannot (?:find|resolve) your (?:reverse )?(?:hostname|address|ip)|(?:ip|client|host)[^.;]{0,30}does not resolve|mismatches client ip|valid (?:helo|ehlo)|(?:helo|ehlo)\b[^.;]{0,30}(?:rejected|invalid|need|must|not|forged|bogus|bad)|(?:invalid|bad|forged|bogus) (?:helo|ehlo)|forged hostname|unverif(?:ied|iable|yable) sending ip|hostname[^.;]{0,20}(?:lookup|mismatch)/i,
    verdict: V.reverseDns,
    strong: true,
    source: 'RFC 5248 X.7.25; Postfix, Exim, Gmail, Comcast, AT&T',
  },
];

export const SENDER_RULES: readonly ReplyRule[] = [
  {
    id: 'sender-login',
    pattern:
      /smtp[- ]auth|(?<!sender )authentication (?:is )?(?:required|needed|failed)|must (?:be )?(?:authenticate|log ?in)|not logged in|please (?:log ?in|turn on smtp auth|authenticate)|authenticate first|does not advertise auth|auth(?:entication)? capability|unauthenticated senders|connecting mta|credentials/i,
    verdict: V.senderLogin,
    strong: true,
    source: 'RFC 4954 (530, 535); Exim, SendGrid, Gmail send-as',
  },
  {
    id: 'sender-refused',
    pattern:
      /sender (?:address )?(?:is )?(?:rejected|verif|denied|refused|blocked|domain|unknown|not |was )|(?:verify|callout|lookup)[^.;]{0,30}sender|\b(?:mail[- ]?from|from:? ?<?@|from:? (?:address|header|domain|field)|sender|return[- ]path|originat(?:or|ing))[^.;]{0,40}(?:invalid|does not exist|not exist|unresolvable|not verified|domain (?:must|not|does)|null mx|rejected|denied|not allowed|not permitted|not accepted|refused|unknown|isn'?t (?:allowed|verified))|(?:invalid|bad|unknown|unacceptable|disallowed) (?:mail )?(?:sender|return|from)\b|e-?mail address is not verified|domain of sender|domain name per rdns|requires valid sender|recognized as a valid sender|expediteur|absender|mittente|remitente non|sending domain|blocked senders/i,
    verdict: V.sender,
    strong: true,
    source: 'RFC 3463 X.1.7 and X.1.8; Postfix, Sendmail, Exim sender verification, SES, Mimecast',
  },
];
