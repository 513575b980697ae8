// A table file: by what machines that open mail and follow its links are known. Each rule has its source.

/** What asked for an open or a click. */
export interface MachineRule {
  /** Stands in `machine_reason`. */
  reason: string;
  /** `true`: no person asked. Null: it asks for a person who reads, and by itself too. */
  machine: true | null;
  /** What it is about; both without it. */
  on?: 'open' | 'click';
  /** The User-Agent, or the first lines of it. */
  userAgent?: RegExp;
  /** Networks that it asks from. */
  networks?: readonly string[];
  /** What the client is called in the event. */
  client?: string;
  source: string;
}

/**
 * Of several that fit, the first one counts. Addresses are those that their owner publishes for this very
 * use; lists that others have collected go stale, and a wrong one hides a person.
 */
export const MACHINE_RULES: readonly MachineRule[] = [
  {
    reason: 'apple_mpp',
    machine: true,
    on: 'open',
    userAgent: /^Mozilla\/5\.0$/,
    client: 'Apple Mail Privacy Protection',
    source:
      'https://help.socketlabs.com/docs/identifying-apple-mpp-opens-in-notification-api-events: Apple loads every picture in advance and calls itself Mozilla/5.0 and nothing else',
  },
  {
    reason: 'gmail_proxy',
    machine: null,
    on: 'open',
    userAgent: /GoogleImageProxy|ggpht\.com/i,
    client: 'Gmail',
    source:
      'https://support.google.com/mail/answer/145919: pictures are loaded by Google, when the mail is read; at times in advance',
  },
  {
    reason: 'yahoo_proxy',
    machine: null,
    on: 'open',
    userAgent: /YahooMailProxy/i,
    client: 'Yahoo Mail',
    source: 'https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html',
  },
  {
    reason: 'microsoft_scanner',
    machine: true,
    networks: [
      '40.92.0.0/15',
      '40.107.0.0/16',
      '52.100.0.0/14',
      '52.238.78.88/32',
      '104.47.0.0/17',
      '2a01:111:f400::/48',
      '2a01:111:f403::/48',
    ],
    source:
      'https://learn.microsoft.com/en-us/microsoft-365/enterprise/urls-and-ip-address-ranges (Exchange Online Protection): servers that take mail, from which no person browses',
  },
  {
    reason: 'security_scanner',
    machine: true,
    userAgent:
      /barracuda|proofpoint|mimecast|fireeye|trendmicro|symantec|messagelabs|forcepoint|websense|sophos|cloudmark|ironport|zscaler|checkpoint|avanan|bitdefender|kaspersky|safelinks|urldefense|vadesecure|spamassassin|rspamd|clamav/i,
    source:
      'https://github.com/mautic/mautic/issues/16263 and https://github.com/resend/resend-node/issues/901: makers of mail gateways that fetch links, where they name themselves',
  },
  {
    reason: 'link_preview',
    machine: true,
    on: 'click',
    userAgent:
      /slackbot|slack-imgproxy|twitterbot|facebookexternalhit|linkedinbot|whatsapp|telegrambot|discordbot|skypeuripreview|bingpreview|google-pagerenderer|googlebot|bingbot|applebot/i,
    source:
      'https://developers.facebook.com/docs/sharing/webmasters/web-crawlers and the like of the others: a link that was passed on is shown with a picture of its page',
  },
  {
    reason: 'program',
    machine: true,
    userAgent:
      /^(curl|wget|python-requests|python-urllib|aiohttp|go-http-client|java\/|okhttp|apache-httpclient|libwww-perl|node-fetch|axios|guzzlehttp|ruby|php|powershell)|headlesschrome|phantomjs|puppeteer|playwright|selenium|\b(bot|crawler|spider|scanner)\b/i,
    source:
      'https://github.com/putyourlightson/craft-campaign/issues/546: scanners that come with the name of an HTTP library; programs that are driven by programs',
  },
];

/**
 * What is asked for this soon after the receiving server took the message was asked for by that server: the
 * message has to be put into a mailbox, be seen there and be opened first. Scanners come within seconds
 * (https://github.com/gophish/gophish/issues/2115); 2 seconds is what Mautic takes, too, and stays below
 * what a person who waits for a code needs.
 */
export const INSTANT_MS = 2_000;

/**
 * Nobody reads so fast that he follows this many different links in this time; scanners follow all of
 * them, about one a second (https://github.com/mautic/mautic/issues/9798).
 */
export const BURST_LINKS = 3;
export const BURST_MS = 10_000;
