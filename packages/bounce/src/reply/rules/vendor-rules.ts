// A table: tokens by which large receivers name a cause themselves. They come first and outweigh codes.
import { VERDICTS as V } from '../verdict.ts';
import type { ReplyRule } from './reply-rule.ts';

const GMAIL = 'support.google.com/a/answer/3726730 (SMTP error reference of Gmail)';
const EXCHANGE =
  'learn.microsoft.com: NDR error codes of Exchange Online, RESOLVER and STOREDRV texts';
const OUTLOOK = 'postmaster.live.com/pm/troubleshooting (Outlook.com)';
const YAHOO = 'senders.yahooinc.com/smtp-error-codes';
const AOL = 'postmaster.aol.com/error-codes';
const ORANGE = 'postmaster.orange.fr, postmaster.laposte.net: OFR and LPN codes';
const FACEBOOK = 'postmaster.facebook.com/response_codes';
const NETEASE = 'help.163.com: bounce codes of NetEase and Coremail';
const TENCENT = 'service.mail.qq.com: bounce explanations';
const COX = 'postmaster.cox.net error codes';
const CHARTER = 'spectrum.net: email error codes (AUP#)';
const COMCAST = 'postmaster.comcast.net/mail-error-codes';

type Row = [id: string, pattern: RegExp, verdict: ReplyRule['verdict'], source: string];

const ROWS: readonly Row[] = [
  ['gmail-no-such-user', /[?&]p=NoSuchUser\b/i, V.noMailbox, GMAIL],
  ['gmail-address-not-found', /because the address couldn'?t be found/i, V.noMailbox, GMAIL],
  ['google-groups', /groups\.google\.com\/support/i, V.preferences, GMAIL],
  ['gmail-bad-domain', /[?&]p=BadRcptDomain\b/i, V.noDomain, GMAIL],
  ['gmail-over-quota', /[?&]p=OverQuota/i, V.full, GMAIL],
  ['gmail-disabled', /[?&]p=Disabled?User\b/i, V.inactive, GMAIL],
  ['gmail-receiving-rate', /[?&]p=Receiving(?:Rate|Over)/i, V.recipientRate, GMAIL],
  ['gmail-rate', /[?&]p=(?:Unsolicited)?RateLimit/i, V.rate, GMAIL],
  ['gmail-unsolicited', /[?&]p=Unsolicited\w*/i, V.spam, GMAIL],
  ['gmail-auth', /[?&]p=(?:Dmarc|Unauthenticated|IPv6Auth|NotAuthor)\w*/i, V.authentication, GMAIL],
  ['gmail-from', /[?&]p=CustomFromDenied\b/i, V.sender, GMAIL],
  ['gmail-content', /[?&]p=(?:BlockedMessage|RfcMessage|BareNewline)\w*/i, V.content, GMAIL],
  ['gmail-size', /[?&]p=MaxSizeError\b/i, V.tooLarge, GMAIL],

  ['exchange-not-found', /RESOLVER\.ADR\.\w{0,20}(?:NotFound|Invalid)/i, V.noMailbox, EXCHANGE],
  ['exchange-quota', /QuotaExceededException|STOREDRV\.\S{0,40}quota/i, V.full, EXCHANGE],
  ['exchange-size', /RESOLVER\.RST\.\w{0,12}SizeLimit/i, V.tooLarge, EXCHANGE],
  ['exchange-restricted', /RESOLVER\.RST\./i, V.preferences, EXCHANGE],
  ['exchange-loop', /RESOLVER\.FWD\.Loop|ROUTING\.Loop/i, V.loop, EXCHANGE],
  ['exchange-no-domain', /SMTPSEND\.DNS\.NonExistentDomain/i, V.noDomain, EXCHANGE],
  ['exchange-expired', /QUEUE\.Expired/i, V.timeout, EXCHANGE],
  ['exchange-busy', /STOREDRV\.\S{0,30};? ?recipient thread limit/i, V.recipientRate, EXCHANGE],
  ['exchange-tenant', /TenantAttribution/i, V.relay, EXCHANGE],
  ['outlook-block-list', /\b(?:S3140|S3150|OU-00\d|DY-00\d)\b/, V.reputation, OUTLOOK],
  ['outlook-rate', /\bRP-00\d\b/, V.rate, OUTLOOK],
  ['outlook-spam', /\bSC-00\d\b/, V.spam, OUTLOOK],

  ['yahoo-no-account', /delivery error: dd This user doesn'?t have a/i, V.noMailbox, YAHOO],
  ['yahoo-disabled', /delivery error: dd .{0,90}(?:disabled|discontinued)/i, V.inactive, YAHOO],
  ['yahoo-deferred', /\[(?:TSS?|RL)\d{2}\]/, V.rate, YAHOO],
  ['yahoo-greylist', /\[GL01\]/, V.greylisted, YAHOO],
  ['yahoo-block-list', /\[(?:BL|PH|IPTS)\d{2}\]/, V.reputation, YAHOO],

  ['aol-block-list', /\((?:CON|DYN|RTR|RLY):\w{2,4}\)/, V.reputation, AOL],
  ['aol-reverse-dns', /\(DNS:\w{2,4}\)/, V.reverseDns, AOL],
  ['aol-content', /\bHVU:B\d/, V.spam, AOL],

  ['orange-address', /\b(?:OFR|LPN)\d{0,3}_416\b/i, V.noMailbox, ORANGE],
  ['orange-full', /\b(?:OFR|LPN)\d{0,3}_417\b/i, V.full, ORANGE],
  ['orange-inactive', /\b(?:OFR|LPN)\d{0,3}_4(?:18|20|26)\b/i, V.inactive, ORANGE],
  ['orange-rate', /\b(?:OFR|LPN)\d{0,3}_10[489]\b/i, V.rate, ORANGE],
  ['orange-block-list', /\b(?:OFR|LPN)\d{0,3}_[13]\d\d\b/i, V.reputation, ORANGE],
  ['orange-spam', /\b(?:OFR|LPN)\d{0,3}_5\d\d\b/i, V.spam, ORANGE],

  ['facebook-address', /\b(?:RCP-P1|INT-P[134])\b/, V.noMailbox, FACEBOOK],
  ['facebook-preferences', /\bRCP-P[23]\b/, V.preferences, FACEBOOK],
  ['facebook-full', /\bINT-P7\b/, V.full, FACEBOOK],
  ['facebook-size', /\b(?:MSG-P1|INT-P2)\b/, V.tooLarge, FACEBOOK],
  ['facebook-content', /\bMSG-P\d\b/, V.content, FACEBOOK],
  ['facebook-sender-dns', /\bDNS-P[12]\b/, V.sender, FACEBOOK],
  ['facebook-reverse-dns', /\bDNS-[PT][23]\b/, V.reverseDns, FACEBOOK],
  ['facebook-rate', /\bCON-T\d\b/, V.rate, FACEBOOK],
  ['facebook-block', /\bPOL-[PT][1-4]\b/, V.reputation, FACEBOOK],
  ['facebook-auth', /\bPOL-P7\b/, V.authentication, FACEBOOK],
  ['facebook-policy', /\bPOL-P\d\b/, V.policy, FACEBOOK],

  ['netease-spam', /\b(?:DT:SPM|DT:SUM|MI:SPB)\b/, V.spam, NETEASE],
  ['netease-auth', /\bMI:(?:SPF|DMA)\b/, V.authentication, NETEASE],
  [
    'netease-rate',
    /\b(?:(?:HL:(?:ICC|IFC|IFQ|ITC))|(?:RP|MI):(?:CEL|CCL|DRC|QRC|DMC|SFQ|SRC))\b/,
    V.rate,
    NETEASE,
  ],
  ['netease-block', /\b(?:HL:(?:REP|MEP|IHU|IPB)|DT:RBL|WM:BL[IU])\b/, V.reputation, NETEASE],
  [
    'tencent-rate',
    /Mailbox unavailable or access denied|frequency limited/i,
    V.recipientRate,
    TENCENT,
  ],
  ['tencent-preferences', /rejected by recipients/i, V.preferences, TENCENT],

  ['cox-block', /\b(?:CXBL|CDRBL|CXDNS|IPBL\d{4})\b/, V.reputation, COX],
  ['cox-rate', /\b(?:CXMXRT|CXTHRT|CXCNCT)\b/, V.rate, COX],
  ['cox-sender', /\b(?:CXSNDR|CXMJ)\b/, V.sender, COX],
  ['charter-aup', /\bAUP#(?:I|In|Out)?-?1\d{3}\b/i, V.reputation, CHARTER],
  ['comcast-block', /\b(?:BL|ES)0000\d\d\b/, V.reputation, COMCAST],
  ['comcast-rate', /\bRL0000\d\d\b/, V.rate, COMCAST],
  [
    'cpanel-unroutable',
    /account or domain may not exist, they may be blacklisted, or missing the proper dns/i,
    V.noDomain,
    'docs.cpanel.net: the router of Exim for domains that cannot be looked up',
  ],
  [
    'block-list-name',
    /spamhaus|spamcop\.net|barracudacentral|barracuda reputation|\bsorbs\b|uceprotect|invaluement|spamrats|abuseat\.org|cloudmark|senderscore|ipcheck\.proofpoint|csi\.mimecast|dnsbl|\brbls?\b|[?&/](?:rbl|bl)[/?]/i,
    V.reputation,
    'names of public block lists and reputation services in refusals',
  ],
];

export const VENDOR_RULES: readonly ReplyRule[] = ROWS.map(([id, pattern, verdict, source]) => ({
  id,
  pattern,
  verdict,
  source,
  strong: true,
  raw: true,
}));
