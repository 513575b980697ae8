// A table file: every setting of the server, once. docs/configuration.md is checked against it.
import { hostname } from 'node:os';
import {
  addresses,
  bound,
  checkAddress,
  checkApiKey,
  checkSpfTerm,
  dnsServerList,
  duration,
  durations,
  flag,
  hostList,
  networks,
  oneOf,
  optional,
  optionalPort,
  readDomain,
  readIssuer,
  readPublicUrl,
  readSize,
  readThreads,
  splitList,
  text,
  whole,
} from './config/setting-kinds.ts';
import { nearestName } from './core/nearest-name.ts';
import { parseRoleValues } from './core/oidc-role.ts';
import { MAIL_LADDER_MS, STANDARD_WEBHOOKS_LADDER_MS } from './core/retry-schedule.ts';
import { LOG_LEVELS } from './lib/log.ts';
import {
  type DestinationLimit,
  parseDestinationLimit,
  parseMailRate,
} from './mail/delivery/destination-limits.ts';
import { TRANSCRIPT_CHOICES } from './mail/delivery/keep-transcripts.ts';
import { parseSourcePools, parseWarmup } from './mail/delivery/source-pools.ts';
import { parseRelays } from './mail/relays/parse-relays.ts';
import { parseMailboxUrl } from './mail/return-path/parse-mailbox-url.ts';
import { parseDatabaseUrl } from './store/postgres/connect/connection-settings.ts';
import { parseProxyUrl } from './webhooks/post/connect/proxy-settings.ts';

export const ROLES = ['api', 'smtp', 'mail', 'dispatch'] as const;
export type Role = (typeof ROLES)[number];

/** A setting that is wrong or unknown; the message says what to write instead. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const DAY_MS = 86_400_000;

function checkRelays(value: string): void {
  if (value !== 'direct') parseRelays(value);
}

export const SETTINGS = {
  data: text('./posthorn-data', 'Folder of the embedded store and the generated keys.'),
  host: text('127.0.0.1', 'Address that HTTP and SMTP listen on. 0.0.0.0 for all.'),
  port: whole(8480, 0, 65_535, 'HTTP port. 0 takes any free one.'),
  smtpPort: whole(2525, 0, 65_535, 'SMTP submission port. 0 takes any free one.'),
  roles: {
    default: ROLES.join(','),
    description: `What this process does, of: ${ROLES.join(', ')}.`,
    parse(value: string): readonly Role[] {
      const wanted = value.split(',').map((part) => part.trim());
      return wanted.map((name) => {
        const role = ROLES.find((one) => one === name);
        if (role !== undefined) return role;
        const nearest = nearestName(name, ROLES);
        throw new Error(
          `"${name}" is no role${nearest === null ? '' : `; did you mean "${nearest}"?`} (${ROLES.join(', ')})`,
        );
      });
    },
  },
  hostname: text(hostname(), 'Name of this server in EHLO, Message-ID and trace lines.'),
  apiKey: optional(
    'API key of the first project. Without it the first start makes one and prints it once.',
    checkApiKey,
  ),
  masterKey: optional(
    'Key for secrets at rest, 32 bytes in base64. Without it: the file master.key in the data folder, made at the first start.',
  ),
  newMasterKey: optional(
    'The key that rotate-master-key puts in its place. Without it, the command makes one.',
  ),
  logLevel: oneOf(LOG_LEVELS, 'info', 'How much is logged.'),
  logFormat: oneOf(
    ['auto', 'json', 'pretty'],
    'auto',
    'auto: pretty on a terminal, JSON otherwise.',
  ),
  apiRate: whole(
    1_000,
    1,
    1_000_000,
    'Requests a second of one project, all its keys together; the bucket holds two seconds.',
  ),
  smtpTlsKey: optional(
    'PEM file with the private key for STARTTLS at submission, and where bounces come in.',
  ),
  smtpTlsCert: optional(
    'PEM file with the certificate for STARTTLS at submission, and where bounces come in.',
  ),
  smtpRequireTls: flag(false, 'Refuse AUTH before STARTTLS.'),
  smtpTlsPort: optionalPort(
    'Port for SMTP submission with TLS from the first byte, 465 for the world; 0 takes any free one. Without it: none.',
  ),
  maxMessageSize: {
    default: '25mb',
    description: 'Largest message, attachments encoded.',
    parse: readSize,
  },
  smarthost: optional(
    "Send all mail through this server: smtp://user:password@host:587, or smtps://host; or by the API of a provider: ses://, sendgrid://, mailgun://, postmark://. Several, separated by commas, are tried in their order. Without it: straight to the recipients' mail servers.",
    parseRelays,
  ),
  smarthostTransactional: optional(
    "The same for transactional mail alone, or direct for the way to the recipients' mail servers.",
    checkRelays,
  ),
  smarthostBroadcast: optional('The same for broadcast mail alone, or direct.', checkRelays),
  mailTls: oneOf(['opportunistic', 'require', 'off'], 'opportunistic', 'TLS towards mail servers.'),
  mailMtaSts: flag(true, 'Keep what domains ask of TLS by MTA-STS (RFC 8461).'),
  mailDane: flag(
    false,
    'Keep what domains ask of TLS by DANE (RFC 7672): for DNS servers that check DNSSEC, on this machine or a network that is yours.',
  ),
  mailPort: whole(25, 1, 65_535, "Port of the recipients' mail servers."),
  mailSourceAddresses: addresses(
    'IP addresses of this machine that connections to mail servers leave from in turn, separated by commas: IPv4 to IPv4, IPv6 to IPv6. Without them the system chooses.',
  ),
  mailPools: {
    default: '',
    description:
      'Addresses of this machine that send together, by name: main=192.0.2.7*3,192.0.2.8; bulk=192.0.2.9~2026-11-20. Behind * a weight, behind ~ the day on which an address began.',
    parse: parseSourcePools,
  },
  mailPoolTransactional: optional(
    'The pool that transactional mail leaves from. Without it: mail_source_addresses.',
  ),
  mailPoolBroadcast: optional(
    'The pool that broadcast mail leaves from. Without it: mail_source_addresses.',
  ),
  mailWarmup: {
    default: '100,200,400,800,1600,3200,6400,12800,25600,51200,102400,204800,409600',
    description:
      'Recipients that an address with ~ may have on its first day, its second and so on; behind the last as many as there are.',
    parse: parseWarmup,
  },
  mailNetworks: networks(
    '',
    'Networks that mail servers may be in although they are not public: loopback, private, or CIDR blocks.',
  ),
  mailRetryLadder: durations(
    MAIL_LADDER_MS,
    'Waits between attempts to deliver a message; the last one repeats until mail_expiry.',
  ),
  mailExpiry: bound(5 * DAY_MS, 'Mail that could not be delivered for this long is given up.'),
  mailConcurrency: whole(100, 1, 10_000, 'SMTP transactions under way at once.'),
  mailDestinationConcurrency: whole(
    10,
    1,
    1_000,
    'SMTP transactions under way at once to one destination.',
  ),
  mailDestinationRate: {
    default: '',
    description: 'Messages to one destination in a time, such as 20/s, 600/m or 5000/h, at most.',
    parse: (value: string): number | null => (value === '' ? null : parseMailRate(value)),
  },
  mailDestinationLimits: {
    default: '',
    description:
      "Destinations with limits of their own, by domain or by the end of their mail servers' names, separated by commas: outlook.com=20@600/m is 20 transactions at once and 600 messages a minute.",
    parse: (value: string): readonly DestinationLimit[] =>
      splitList(value).map(parseDestinationLimit),
  },
  mailTranscripts: oneOf(
    TRANSCRIPT_CHOICES,
    'all',
    'Of which attempts to keep what was said with the mail server.',
  ),
  mailTranscriptRetention: bound(
    7 * DAY_MS,
    'How long that is kept, at most as long as the message.',
  ),
  dnsServers: dnsServerList(
    'DNS servers for mail, as ip or ip:port. Without them: those of the system.',
  ),
  endpointNetworks: networks(
    'auto',
    'Networks that endpoints may be in although they are not public: loopback, private, or CIDR blocks. auto: loopback as long as the server itself listens on loopback alone.',
  ),
  endpointAllowHttp: flag(false, 'Allow plain http for endpoints that are not on loopback.'),
  endpointCa: optional('PEM file with certificates to trust for endpoints, beside the usual ones.'),
  webhookProxy: optional(
    'Post through this HTTP proxy: http://user:password@proxy:3128, or https://. Without it: directly.',
    parseProxyUrl,
  ),
  webhookNoProxy: hostList(
    'Hosts that are posted to directly all the same: names with all names below them, addresses, CIDR blocks.',
  ),
  webhookRetryLadder: durations(
    STANDARD_WEBHOOKS_LADDER_MS,
    'Waits after each failed attempt; then the delivery is dead.',
  ),
  webhookTimeout: bound(15_000, 'One deadline over name look-up, connecting, headers and body.'),
  webhookConcurrency: whole(512, 1, 10_000, 'Posts under way at once.'),
  endpointConcurrency: whole(32, 1, 1_000, 'Posts under way at once to one endpoint.'),
  webhookIdleConnections: whole(
    2_000,
    1,
    100_000,
    'Connections to endpoints that are kept open without work, 30 s each.',
  ),
  queueAlertDepth: whole(
    1_000,
    1,
    100_000,
    'When this many deliveries wait for one endpoint, it is told: a warning in the log, a metric, and the event endpoint.backlog.',
  ),
  queueAlertLag: bound(5 * 60_000, 'The same when the first of them has been due for this long.'),
  dispatchThreads: {
    default: 'auto',
    description:
      'Threads that sign and post, beside the main one; 0: none. auto: one for every two processors beyond the first two.',
    parse: readThreads,
  },
  endpointPatience: bound(
    5 * DAY_MS,
    'An endpoint that fails for this long without a success is disabled.',
  ),
  noticeFrom: optional(
    'From address of mails of Posthorn itself to people: notices to owners of endpoints, alerts, sinks of the kind email. Without it: posthorn@ the hostname.',
    checkAddress,
  ),
  publicUrl: {
    default: '',
    description:
      'Where this server is reached from outside, such as https://posthorn.example.com: what the URLs of sources, and those of certificates in the dialect ses, begin with.',
    parse: readPublicUrl,
  },
  oidcIssuer: {
    default: '',
    description:
      'People sign in to the portal by this provider of OpenID Connect too, such as https://login.example.com. Without it: by password alone.',
    parse: readIssuer,
  },
  oidcClientId: optional('The id under which that provider knows this server.'),
  oidcClientSecret: optional('The secret that goes with it. Without it: a public client.'),
  oidcScopes: text('openid email profile', 'Scopes that the provider is asked for.'),
  oidcRoleClaim: optional('The claim that gives new users their role, such as groups.'),
  oidcRoles: {
    default: '',
    description:
      'Which value of that claim gives which role, the first that fits: owner=posthorn-admins,developer=engineering.',
    parse: parseRoleValues,
  },
  oidcDefaultRole: oneOf(
    ['none', 'developer', 'support', 'read_only'],
    'none',
    'Role of new users for whom no value fits; none: they need an account that is there already.',
  ),
  oidcDomains: {
    default: '',
    description: 'Domains of email addresses that may sign in so. Without them: all.',
    parse: (value: string): readonly string[] => splitList(value).map(readDomain),
  },
  oidcTrustEmail: flag(
    false,
    'Take addresses that the provider does not call verified; for one where nobody sets their own, such as Microsoft Entra ID.',
  ),
  returnPathDomain: {
    default: '',
    description:
      'Bounces come back to bounce+...@ this domain, for mail whose own domain has no return path in DNS. Without it such mail keeps its sender.',
    parse: (value: string): string | null => (value === '' ? null : readDomain(value)),
  },
  returnPathPort: optionalPort(
    'Port on which bounces and complaints come in, 25 for the world; 0 takes any free one. Without it: none.',
  ),
  postmasterAddress: optional(
    'Who reads mail to postmaster@ and abuse@ this server and the domains that it serves. Without it such mail is refused.',
    checkAddress,
  ),
  bounceMailbox: optional(
    'Read bounces and complaints from this mailbox: imaps://user:password@imap.example.com/INBOX, or pop3s://user:password@pop.example.com.',
    parseMailboxUrl,
  ),
  bounceMailboxDone: text(
    'Posthorn',
    'Folder of that mailbox that reports are moved to; with POP3 they are deleted.',
  ),
  bounceMailboxEvery: bound(60_000, 'How often that mailbox is read.'),
  inboundRate: whole(
    600,
    1,
    1_000_000,
    'Mails a minute that one project takes in at one node; others are put off (451).',
  ),
  inboundUrlExpiry: bound(
    3 * DAY_MS,
    'How long the URLs of inbound mail and its files, in email.received, can be fetched.',
  ),
  trackingDomains: flag(
    false,
    'Links and unsubscribe pages of a domain whose tracking record is right are under its own name. With an https: public_url, what is in front of this server needs a certificate for each such name.',
  ),
  spfTerm: optional(
    'What domains put into their SPF record so that our mail passes, such as include:spf.relay.example. Without it: a: and the hostname.',
    checkSpfTerm,
  ),
  retention: bound(30 * DAY_MS, 'How long messages, events, deliveries and attempts are kept.'),
  bodyRetention: bound(
    7 * DAY_MS,
    'How long the bytes of messages are kept after they were accepted (at least twice mail_expiry).',
  ),
  auditRetention: bound(365 * DAY_MS, 'How long it is kept who changed what in the portal.'),
  databaseUrl: optional(
    'Keep everything in this PostgreSQL database: postgres://user:password@host/database. Also taken from DATABASE_URL. Without it: the embedded store.',
    parseDatabaseUrl,
  ),
  databaseReadUrl: optional(
    'A standby of it, for lists: they may lag a moment behind. Without it: database_url.',
    parseDatabaseUrl,
  ),
  databaseListenUrl: optional(
    'The database past a pooler in transaction mode, where nodes hear each other. Without it: database_url.',
    parseDatabaseUrl,
  ),
  databasePool: whole(12, 4, 500, 'Connections to the database at once.'),
  storeMaxSize: {
    default: '',
    description: 'Largest size of the embedded store. Without it: the disk.',
    parse: (value: string): number | null => (value === '' ? null : readSize(value)),
  },
  shutdownGrace: duration(20_000, 'How long work under way may take to end after SIGTERM.'),
};

export type Config = Readonly<{
  [K in keyof typeof SETTINGS]: ReturnType<(typeof SETTINGS)[K]['parse']>;
}>;
export type SettingName = keyof Config;

/** `smtpPort` -> `smtp_port`, as in the YAML file. */
export function settingKey(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function settingFlag(name: SettingName): string {
  return `--${settingKey(name).replaceAll('_', '-')}`;
}

export function settingVariable(name: SettingName): string {
  return `POSTHORN_${settingKey(name).toUpperCase()}`;
}
