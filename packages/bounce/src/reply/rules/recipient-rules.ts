// A table: words about the mailbox, the domain and the address.
import { VERDICTS as V } from '../verdict.ts';
import type { ReplyRule } from './reply-rule.ts';

export const RECIPIENT_RULES: readonly ReplyRule[] = [
  // The mailbox stands, but does not take mail now. Suspended comes before unknown: "user disabled".
  {
    id: 'mailbox-inactive',
    pattern:
      /(?:mail ?box|account|user|recipient|address|inbox|alias|compte|konto|postfach|cuenta|conta|boite)\b[^.;]{0,50}(?:disabled|deactivat|suspend|inactiv|locked|frozen|gesperrt|deaktiviert|bloque|bloccat|bloqueada|archive|restricted|expired|on hold|not (?:currently )?activ|not been activated|temporar(?:il)?y (?:unavailable|locked|disabled)|is not accepting|discontinued|dormant|been closed|under maintenance)|(?:disabled|inactive|suspended|frozen|locked|expired|deactivated|dormant|archived)[^.;]{0,20}(?:recipient|mailbox|user|account|address)|(?<!delivery )temporar(?:il)?y (?:locked|disabled|suspended|blocked)|is (?:currently )?not activ|account is no longer active|(?:account|mailbox|user) (?:is |has been |was )?blocked|заблокирован|неактив|отключен/i,
    verdict: V.inactive,
    strong: true,
    source: 'RFC 3463 X.2.1; RFC 5248 X.7.13; Gmail, Yahoo, Orange, i.ua, Yandex, ISPs',
  },
  {
    id: 'preferences',
    pattern:
      /recipient preferences|recipient'?s (?:preferences|settings|filter|rules)|not (?:authori[sz]ed|allowed|permitted) to (?:send|post|mail|e-?mail)|don'?t have permission|permission(?:s)? to (?:post|send)|restricted[- ]?(?:recipient|group|list)|(?:group|list)[^.;]{0,40}(?:members only|moderat|may not exist, or you)|only (?:members|subscribers|accepts)|members[- ]only|whitelist|allow ?list|not accepting (?:mail|messages) from|does not accept (?:mail|messages) from|challenge[- ]response|moderat(?:ed|or)|personal black|berechtigung|autorise a|permiso para|autorizzat|tillatelse|権限|权限|權限|अनुमति/i,
    verdict: V.preferences,
    strong: true,
    source:
      'RFC 3463 X.7.1 and X.7.2; Exchange restricted groups, Google Groups (in 20 languages), Facebook',
  },

  {
    id: 'policy-named',
    pattern:
      /(?:by|due to|for|violat\w{1,6}|local|security|company|administrative|corporate|organi[sz]ation'?s?)\s(?:\w{1,20}\s)?polic(?:y|ies)|policy (?:violation|reasons?|restriction|rejection|reject)|access denied by|anti-spoofing|administrative lockout|envelope blocked|user filter|domain filter/i,
    verdict: V.policy,
    strong: true,
    source: 'Postfix policy services, Yahoo 5.7.9, Mimecast, GMX; au one (KDDI)',
  },
  {
    id: 'dns-temporary',
    pattern:
      /(?:host|domain|name)[^.;]{0,40}(?:not found|lookup|fail)[^.;]{0,20}(?:try again|temporar)|name ?server[^.;]{0,30}(?:timeout|timed out|fail|error|unavail)|servfail|temporary (?:lookup|dns|domain|name)|dns[^.;]{0,20}(?:temporar|timeout|timed out|fail|server)|(?:host|domain) name lookup fail/i,
    verdict: V.dns,
    strong: true,
    source: 'RFC 3463 X.4.3; Postfix (Host not found, try again), Sendmail, Exim',
  },

  // The domain.
  {
    id: 'null-mx',
    pattern:
      /null ?mx|doesn'?t receive e?-?mail|(?:host|domain|server|it)\b[^.;]{0,20}does(?: not|n'?t) (?:accept|receive|handle) (?:any )?(?:e-?)?mail|domain does not accept|no (?:mail|smtp) (?:is accepted|service)|mx (?:or srv )?records? (?:indicate|point)|no valid mail exchanger|mail exchanger? (?:or ip|for)|points? (?:to|back to) (?:localhost|0·0·0·0|127·)/i,
    verdict: V.noMail,
    source: 'RFC 7505; RFC 7504 (521, 556); Sendmail, Exim, qmail, Postfix',
  },
  {
    id: 'domain-unknown',
    pattern:
      /(?:recipient|destination)? ?(?:address rejected: )?(?:domain|host(?:name)?|site) (?:name )?(?:\S{1,80} )?(?:not found|does(?: not|n'?t) exist|unknown|is (?:not (?:found|reachable|valid)|unknown|invalid)|invalid|has no)|(?:^|\s)[\w-]{1,63}(?:·[\w-]{1,63}){1,8} does(?: not|n'?t) exist|host or domain name not found|nxdomain|no such (?:domain|host)|unrouteable (?:mail )?domain|(?:unknown|bad|invalid|illegal|nonexistent|unregistered) (?:destination )?(?:domain|host)|bad destination (?:system|host)|couldn'?t find any (?:host|domain)|domain (?:\S{1,80} )?(?:couldn'?t|could not|cannot) be found|all relevant mx records point to non-existent|no (?:mx|dns)[^.;]{0,20}records? (?:for|found)|not? (?:mx|a|dns) record|no mail servers? (?:appear|exist|found|for)|no matches to nameserver|cannot resolve (?:domain|host)|name (?:or service )?(?:not known|does not resolve)|domaine? (?:inconnu|inexistant)|dominio (?:non|no) (?:existe|esiste|trovato|encontrado)|domane? (?:existiert nicht|unbekannt)/i,
    verdict: V.noDomain,
    source: 'RFC 3463 X.1.2; Postfix, Exim, Sendmail, qmail (#5.1.2), Gmail, Outlook',
  },

  {
    id: 'relay',
    pattern:
      /relay(?:ing)? (?:access )?(?:is )?(?:not (?:permitted|allowed|supported)|denied|prohibited|disabled|refused)|no relay|(?:unable|not permitted|not allowed|won'?t|cannot|don'?t|refuse[sd]?|attempt) (?:to )?relay|we do not relay|(?:recipient|address|domain) (?:is )?(?:not local|in non-local)|non-local domain|local users? only|not (?:a|in my list of) (?:local|allowed) ?(?:domain|rcpthosts)|isn'?t in my (?:list|control|locals)|rcpthosts|relay (?:operation|host|this|mail for)/i,
    verdict: V.relay,
    source: 'RFC 5321 3.6.2; Postfix, Exim, Sendmail, qmail, Exchange, IMail',
  },

  // The address. Microsoft's edge says "Access denied" for a recipient that its directory lacks.
  {
    id: 'edge-access-denied',
    pattern: /recipient address rejected: access denied/i,
    verdict: V.noMailbox,
    source: 'learn.microsoft.com: Directory-Based Edge Blocking (550 5.4.1)',
  },
  {
    id: 'user-unknown',
    pattern:
      /(?:recipient|mail ?box|user(?:id|name)?|account|address(?:ee)?|alias|person|member|mail ?drop|customer)s?\b(?: [^.;]{0,70})? ?(?:(?:was |were )?not (?:found|recognized|recognised|on file|listed|registered|a valid)|(?:does|do|did)(?: not|n'?t) exist|(?:is |are )?not exist|(?:is )?(?:unknown|invalid|nonexistent|non-existent|nonexistant|undeliverable)|not known|isn'?t (?:here|valid|known|a valid)|wasn'?t found|couldn'?t be found|could not be found|not here|not available here|no longer (?:exists?|valid|in use|available|on)|has been (?:deleted|removed))|(?:no such|unknown|invalid|non-?existent|not a valid|bad|incorrect|unrecogni[sz]ed|unavailable) (?:local |final |mail |delivery )*(?:user(?:id|name)?|recipients?|mail ?box|e-?mail|address|account|destination mailbox|person|local part|alias|rcpt|addressee|name)\b|(?:user|utente|usuario|utilisateur|benutzer|empfanger)\b[^.;]{0,20}(?:unknown|not exist|unbekannt|inconnu|desconocid|sconosciut)|doesn'?t have an? \S{1,40} account|no mail ?box (?:here|by|found|exists|with)|mailbox (?:name )?(?:not|un)(?: ?found| ?available| ?known| ?allowed| ?valid| ?exists?)|not a registered \w{0,20} ?user|not (?:our|my|a local|a known|a valid|one of our) (?:user|customer|mailbox|recipient|address)|unrouteable address|(?:account|address|mailbox) that you tried to reach does not exist|recipients? (?:address )?(?:rejected|refused|invalid)(?:: (?:user|no such|unknown|undeliverable|invalid|recipient)|\.)|undeliverable address|recipient (?:address )?verif\w{2,8} failed|recipnotfound|recipientnotfound|unknown or illegal alias|illegal alias|no account by that name|can(?:'?t|not) (?:verify|find) (?:the )?(?:recipient|user|mailbox)|recipient (?:is )?not (?:found|recogni[sz]ed|on file|in)|#5·1·0 address rejected|address rejected(?: *\.|$)|(?:directory|database|address ?book|ldap)[^.;]{0,20}(?:no match|not found|does not contain)|not listed in (?:domino|public|the)|no (?:recipients? (?:found|could)|valid recipients?)|deliverable mailbox|email address (?:could|was|wasn)/i,
    verdict: V.noMailbox,
    source:
      'RFC 3463 X.1.1; RFC 5321 4.2.3 (550); Postfix, Exim, Sendmail, qmail, Exchange, Domino, Gmail',
  },
  {
    id: 'user-unknown-languages',
    pattern:
      /destinataire (?:invalide|inconnu|inexistant)|(?:adresse|boite)[^.;]{0,60}(?:invalide|inconnue|inexistante|introuvable|n'existe pas)|(?:empfanger|adresse|postfach|benutzer|konto)[^.;]{0,40}(?:unbekannt|existiert nicht|nicht gefunden|ungultig|nicht vorhanden|nicht bekannt)|unbekannter (?:empfanger|benutzer)|(?:direccion|buzon|destinatario|usuario|cuenta)[^.;]{0,40}(?:no (?:existe|encontrad|valid)|desconocid|inexistente|invalid)|(?:indirizzo|casella|destinatario|utente)[^.;]{0,40}(?:non (?:esiste|trovat|valid)|sconosciut|inesistente)|(?:endereco|caixa|destinatario|usuario)[^.;]{0,40}(?:nao (?:existe|encontrad)|inexistente|desconhecid|invalid)|(?:adres|ontvanger|gebruiker|mailbox|postvak)[^.;]{0,40}(?:onbekend|bestaat niet|niet gevonden|ongeldig)|(?:adres|odbiorca|uzytkownik|konto)[^.;]{0,40}(?:nie istnieje|nieznany)|(?:mottagaren?|mottakeren?|modtageren?|adressen|brukeren?)[^.;]{0,40}(?:okand|ukjent|ukendt|finns inte|finnes ikke|findes ikke)|(?:получател|адресат|пользовател|ящик|адрес)[^.;]{0,40}(?:не (?:существует|найден)|неизвест)|(?:宛先|受信者|メールアドレス|アドレス|ユーザ)[^。]{0,40}(?:存在し(?:ない|ません)|見つかり?ません|不明|正しくない)|あて先不明|(?:收件人|用户|邮箱|用戶|信箱)[^。]{0,20}(?:不存在|未找到|找不到|無效|无效)/i,
    verdict: V.noMailbox,
    source:
      'the same in French, German, Spanish, Italian, Portuguese, Dutch, Polish, Nordic, Russian, Japanese, Chinese',
  },
  {
    id: 'moved',
    pattern:
      /(?:user|recipient|account|address|mailbox|has) (?:has )?moved|moved to (?:a |another |new |@)|changed (?:e-?mail )?address|no longer (?:works|employed|with)|not our user|user not local/i,
    verdict: V.moved,
    source: 'RFC 5321 3.4 (251, 551); RFC 3463 X.1.6',
  },
];
