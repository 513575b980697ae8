// A table file: every setting of the server, once. docs/configuration.md is checked against it.
import { Resolver } from 'node:dns';
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { nearestName } from './core/nearest-name.ts';
import { MAIL_LADDER_MS, STANDARD_WEBHOOKS_LADDER_MS } from './core/retry-schedule.ts';
import { createAddressGuard } from './lib/address-guard.ts';
import { formatDuration, parseDuration } from './lib/duration.ts';
import { messageOf } from './lib/errors.ts';
import { LOG_LEVELS } from './lib/log.ts';
import { TRANSCRIPT_CHOICES } from './mail/delivery/keep-transcripts.ts';
import { parseMailboxUrl } from './mail/return-path/parse-mailbox-url.ts';
import { parseSmarthost } from './mail/smarthost.ts';
import { checkEnvelopeAddress } from './smtp/check-envelope-address.ts';
import { parseDatabaseUrl } from './store/postgres/connect/connection-settings.ts';
import { DATABASE_FILE } from './store/sqlite/data-directory.ts';
import { createProxyBypass, parseProxyUrl } from './webhooks/post/connect/proxy-settings.ts';

export const ROLES = ['api', 'smtp', 'mail', 'dispatch'] as const;
export type Role = (typeof ROLES)[number];

/** A setting that is wrong or unknown; the message says what to write instead. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

interface Setting<T> {
  /** As it is shown in the documentation. */
  default: string;
  description: string;
  /** Throws an Error whose message completes "port: ...". */
  parse(text: string): T;
}

const text = (fallback: string, description: string): Setting<string> => ({
  default: fallback,
  description,
  parse(value) {
    if (value.trim() !== '' && !/[\u0000-\u001f]/.test(value)) return value;
    throw new Error(`"${value}" is empty or has control characters`);
  },
});

/** `check` throws an Error that says what is wrong with a value. */
const optional = (
  description: string,
  check: (value: string) => void = () => {},
): Setting<string | null> => ({
  default: '',
  description,
  parse(value) {
    if (value === '') return null;
    check(value);
    return value;
  },
});

const flag = (fallback: boolean, description: string): Setting<boolean> => ({
  default: String(fallback),
  description,
  parse(value) {
    if (['true', '1', 'yes', 'on'].includes(value)) return true;
    if (['false', '0', 'no', 'off'].includes(value)) return false;
    throw new Error(`"${value}" is neither true nor false`);
  },
});

const whole = (
  fallback: number,
  min: number,
  max: number,
  description: string,
): Setting<number> => ({
  default: String(fallback),
  description,
  parse(value) {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    throw new Error(`"${value}" is not a whole number from ${min} to ${max}`);
  },
});

function readDuration(value: string): number {
  const ms = parseDuration(value);
  if (ms === null) throw new Error(`"${value}" is not a duration such as 30s, 5m, 2h or 7d`);
  return ms;
}

const duration = (fallbackMs: number, description: string): Setting<number> => ({
  default: formatDuration(fallbackMs),
  description,
  parse: readDuration,
});

/** A time after which something is over: at once would be a setting that breaks everything. */
const bound = (fallbackMs: number, description: string): Setting<number> => ({
  ...duration(fallbackMs, description),
  parse(value) {
    const ms = readDuration(value);
    if (ms > 0) return ms;
    throw new Error(`"${value}" has to be more than nothing, such as 30s or 7d`);
  },
});

const durations = (
  fallback: readonly number[],
  description: string,
): Setting<readonly number[]> => ({
  default: fallback.map(formatDuration).join(','),
  description,
  parse(value) {
    const list = value.split(',').map((part) => readDuration(part.trim()));
    if (list.length <= 50) return list;
    throw new Error('a ladder has at most 50 rungs');
  },
});

function readPublicUrl(value: string): string | null {
  if (value === '') return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  const isPlain = url !== null && url.search === '' && url.hash === '' && url.username === '';
  if (isPlain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, '');
  throw new Error(`"${value}" is not a URL such as https://posthorn.example.com`);
}

const SIZE_UNITS: Record<string, number> = { '': 1, kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 };

function readSize(value: string): number {
  const match = /^(\d{1,12})\s*(kb|mb|gb)?$/i.exec(value.trim());
  const unit = SIZE_UNITS[match?.[2]?.toLowerCase() ?? ''];
  if (match === null || unit === undefined) {
    throw new Error(`"${value}" is not a size such as 500kb, 25mb or 2gb`);
  }
  return Number(match[1]) * unit;
}

const splitList = (value: string): string[] =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

const dnsServerList = (description: string): Setting<readonly string[]> => ({
  default: '',
  description,
  parse(value) {
    const servers = splitList(value);
    try {
      new Resolver().setServers(servers);
    } catch {
      throw new Error(`"${value}" has to be addresses such as 9.9.9.9 or [2620:fe::fe]:53`);
    }
    return servers;
  },
});

const hostList = (description: string): Setting<readonly string[]> => ({
  default: '',
  description,
  parse(value) {
    const hosts = splitList(value);
    createProxyBypass(hosts);
    return hosts;
  },
});

/** It has to fit behind "Bearer " in a header, and must not be guessed. */
/** Two processors are busy with the main thread and the store's; more threads would wait for them. */
function readThreads(value: string): number {
  if (value === 'auto') return Math.max(0, Math.floor((availableParallelism() - 2) / 2));
  if (/^\d{1,2}$/.test(value)) return Number(value);
  throw new Error(`"${value}" is neither auto nor a number of threads from 0 to 99`);
}

function checkAddress(value: string): void {
  const check = checkEnvelopeAddress(value, false);
  if (!check.ok) throw new Error(`"${value}" is not an address: ${check.message}`);
}

function checkApiKey(value: string): void {
  if (!/^[!-~]{8,200}$/.test(value)) {
    throw new Error('an API key has 8 to 200 printable ASCII characters without spaces');
  }
}

const networks = (fallback: string, description: string): Setting<readonly string[] | null> => ({
  default: fallback,
  description,
  parse(value) {
    if (value === 'auto') return null;
    const blocks = splitList(value);
    createAddressGuard(blocks);
    return blocks;
  },
});

const addresses = (description: string): Setting<readonly string[]> => ({
  default: '',
  description,
  parse(value) {
    const list = splitList(value);
    for (const one of list) if (isIP(one) === 0) throw new Error(`"${one}" is not an IP address`);
    return list;
  },
});

function oneOf<const T extends string>(
  choices: readonly T[],
  fallback: T,
  description: string,
): Setting<T> {
  return {
    default: fallback,
    description: `${description} One of: ${choices.join(', ')}.`,
    parse(value) {
      const found = choices.find((choice) => choice === value);
      if (found !== undefined) return found;
      throw new Error(`"${value}" is none of ${choices.join(', ')}`);
    },
  };
}

const DAY_MS = 86_400_000;

function readDomain(value: string): string {
  const check = checkEnvelopeAddress(`bounce@${value}`, false);
  if (!check.ok) throw new Error(`"${value}" is not a domain such as bounces.example.com`);
  return check.address.slice('bounce@'.length);
}

function checkSpfTerm(value: string): void {
  if (/^(include|a|mx|ip4|ip6|exists):[^\s:]\S*$/i.test(value)) return;
  throw new Error(`"${value}" is no term of SPF such as include:spf.relay.example`);
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
  maxMessageSize: {
    default: '25mb',
    description: 'Largest message, attachments encoded.',
    parse: readSize,
  },
  smarthost: optional(
    "Send all mail through this server: smtp://user:password@host:587, or smtps://host. Without it: straight to the recipients' mail servers.",
    parseSmarthost,
  ),
  mailTls: oneOf(['opportunistic', 'require', 'off'], 'opportunistic', 'TLS towards mail servers.'),
  mailPort: whole(25, 1, 65_535, "Port of the recipients' mail servers."),
  mailSourceAddresses: addresses(
    'IP addresses of this machine that connections to mail servers leave from in turn, separated by commas: IPv4 to IPv4, IPv6 to IPv6. Without them the system chooses.',
  ),
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
    'From address of notices to the owners of endpoints. Without it: posthorn@ the hostname.',
    checkAddress,
  ),
  publicUrl: {
    default: '',
    description:
      'Where this server is reached from outside, such as https://posthorn.example.com: what the URLs of sources, and those of certificates in the dialect ses, begin with.',
    parse: readPublicUrl,
  },
  returnPathDomain: {
    default: '',
    description:
      'Bounces come back to bounce+...@ this domain, for mail whose own domain has no return path in DNS. Without it such mail keeps its sender.',
    parse: (value: string): string | null => (value === '' ? null : readDomain(value)),
  },
  returnPathPort: {
    default: '',
    description:
      'Port on which bounces and complaints come in, 25 for the world; 0 takes any free one. Without it: none.',
    parse: (value: string): number | null =>
      value === '' ? null : whole(0, 0, 65_535, '').parse(value),
  },
  bounceMailbox: optional(
    'Read bounces and complaints from this mailbox: imaps://user:password@imap.example.com/INBOX.',
    parseMailboxUrl,
  ),
  bounceMailboxDone: text('Posthorn', 'Folder of that mailbox that reports are moved to.'),
  bounceMailboxEvery: bound(60_000, 'How often that mailbox is read.'),
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

const NAMES = Object.keys(SETTINGS) as SettingName[];

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

/** What hosts set when they attach a database to a program. */
const USUAL_DATABASE_URL = 'DATABASE_URL';

/** Variables under our prefix that are not settings. */
const OTHER_VARIABLES = new Set(['POSTHORN_CONFIG', 'POSTHORN_URL']);

/**
 * Flags win over environment variables, which win over the file. Throws ConfigError; unknown names
 * are refused with the nearest known one.
 */
export function loadConfig(input: {
  /** By setting name. */
  flags?: Partial<Record<SettingName, string>>;
  env?: NodeJS.ProcessEnv;
  /** A YAML file; also taken from POSTHORN_CONFIG. */
  file?: string;
}): Config {
  const env = input.env ?? {};
  const file = input.file ?? env['POSTHORN_CONFIG'];
  const given = new Map<SettingName, { value: string; where: string }>();
  const put = (name: SettingName, value: unknown, where: string): void => {
    given.set(name, { value: Array.isArray(value) ? value.join(',') : String(value ?? ''), where });
  };
  const usual = env[USUAL_DATABASE_URL] ?? '';
  // Of another kind of database it is somebody else's.
  if (/^postgres(ql)?:/.test(usual)) put('databaseUrl', usual, USUAL_DATABASE_URL);
  if (file !== undefined && file !== '') readFile(file, put);
  readEnvironment(env, put);
  for (const name of NAMES) {
    const value = input.flags?.[name];
    if (value !== undefined) put(name, value, settingFlag(name));
  }
  const config: Record<string, unknown> = {};
  for (const name of NAMES) {
    const setting: Setting<unknown> = SETTINGS[name];
    const { value, where } = given.get(name) ?? { value: setting.default, where: settingKey(name) };
    try {
      config[name] = setting.parse(value);
    } catch (error) {
      throw new ConfigError(`${where}: ${messageOf(error).replace(/\.$/, '')}.`);
    }
  }
  const complete = Object.freeze(config) as Config;
  if (given.get('databaseUrl')?.where === USUAL_DATABASE_URL) refuseToForget(complete.data);
  return complete;
}

/** A variable that somebody else may have set must not make a store that is there look empty. */
function refuseToForget(folder: string): void {
  if (!existsSync(join(folder, DATABASE_FILE))) return;
  throw new ConfigError(
    `DATABASE_URL names a PostgreSQL database, and ${folder} holds an embedded store. Unset DATABASE_URL to go on with that one, or set POSTHORN_DATABASE_URL to begin anew in PostgreSQL.`,
  );
}

type Put = (name: SettingName, value: unknown, where: string) => void;

function readFile(file: string, put: Put): void {
  let content: unknown;
  try {
    content = parseYaml(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`The settings file ${file} cannot be read: ${messageOf(error)}`);
  }
  if (content === null) return;
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new ConfigError(`The settings file ${file} has to be a list of "name: value" lines.`);
  }
  for (const [key, value] of Object.entries(content)) {
    put(findSetting(key, settingKey, `in ${file}`), value, `${key} in ${file}`);
  }
}

function readEnvironment(env: NodeJS.ProcessEnv, put: Put): void {
  for (const [key, value] of Object.entries(env)) {
    if (!key.startsWith('POSTHORN_') || OTHER_VARIABLES.has(key)) continue;
    put(findSetting(key, settingVariable, 'in the environment'), value, key);
  }
}

function findSetting(
  key: string,
  spell: (name: SettingName) => string,
  where: string,
): SettingName {
  const found = NAMES.find((name) => spell(name) === key);
  if (found !== undefined) return found;
  const nearest = nearestName(key, NAMES.map(spell));
  const hint = nearest === null ? 'See docs/configuration.md.' : `Did you mean ${nearest}?`;
  throw new ConfigError(`There is no setting ${key} (${where}). ${hint}`);
}
