import { Resolver } from 'node:dns/promises';
import type { Ids } from '../../core/ids.ts';
import type { Clock } from '../../lib/clock.ts';
import { toTimestamp } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';
import { createTokenBucket, type TokenBucket } from '../../lib/token-bucket.ts';
import type { IncomingDoor, IncomingRefusal } from '../../smtp/incoming/incoming.ts';
import type { EventLog } from '../../store/log/event-log.ts';
import type { ReceivedMail } from '../../store/mail/received-mail.ts';
import type { Store } from '../../store/store.ts';
import type { DomainDirectory } from '../domains/domain-directory.ts';
import { createFileTokens, type FileTokens } from './file-token.ts';
import { createFindRoutes } from './find-routes.ts';
import type { FileUrls } from './inbound-block.ts';
import type { ResolveDns } from './read/authenticate-mail.ts';
import { createMailReader, type MailReader } from './read/mail-reader.ts';
import { createTakeMail, type TakenInbound } from './take-mail.ts';

export interface InboundSettings {
  hostname: string;
  maxMessageSize: number;
  publicUrl: string | null;
  returnPathPort: number | null;
  dnsServers: readonly string[];
  inboundRate: number;
  inboundUrlExpiry: number;
}

/** Mail that comes in for projects. */
export interface InboundRoom {
  door: IncomingDoor;
  reader: MailReader;
  tokens: FileTokens;
  /** Whether mail from the world comes in at all, here or at another node. */
  isListening: boolean;
  /** URLs of a mail and its files from now on; null where there are none. */
  urlsOf(mail: Pick<ReceivedMail, 'projectId' | 'id'>): FileUrls | null;
  close(): Promise<void>;
}

const LATER: IncomingRefusal = { code: 451, text: '4.7.1 Too much mail at once; try again later' };
const REFUSALS: Record<Exclude<TakenInbound, 'taken'>, IncomingRefusal> = {
  looping: { code: 554, text: '5.4.6 The mail goes round in a circle: too many Received headers' },
  unknown: { code: 550, text: '5.1.1 No such address here' },
};
const [DNS_TIMEOUT_MS, DNS_TRIES] = [2_000, 2];

export function createInboundRoom(deps: {
  config: InboundSettings;
  store: Pick<Store, 'inboundRoutes' | 'receivedMail'>;
  log: EventLog;
  directory: Pick<DomainDirectory, 'findProven'>;
  secretBox: Pick<SecretBox, 'derive'>;
  projectExists: (projectId: string) => boolean;
  retentionOf: (projectId: string) => { retentionMs: number; bodyRetentionMs: number };
  /** For the metrics. */
  onMail: (taken: TakenInbound) => void;
  ids: Ids;
  clock: Clock;
  logger: Log;
  /** In place of one of its own, which asks DNS. */
  reader?: MailReader;
}): InboundRoom {
  const { config, clock, store } = deps;
  const { now } = clock;
  const { publicUrl } = config;
  const tokens = createFileTokens(deps.secretBox);
  const reader = deps.reader ?? createMailReader({ resolve: askDns(config.dnsServers), clock });
  const findRoutes = createFindRoutes({ ...deps, routes: store.inboundRoutes });
  const buckets = new Map<string, TokenBucket>();

  function urlsOf(projectId: string, receivedId: string, keptUntilMs: number): FileUrls | null {
    if (publicUrl === null) return null;
    const expiresAtMs = Math.min(now() + config.inboundUrlExpiry, keptUntilMs);
    return {
      expiresAt: toTimestamp(expiresAtMs),
      urlOf(number) {
        const token = tokens.make({ projectId, receivedId, number, expiresAtMs });
        return `${publicUrl}/files/${token}`;
      },
    };
  }

  /** One for each project that mail has come for since the start. */
  function bucketOf(projectId: string): TokenBucket {
    const known = buckets.get(projectId);
    if (known !== undefined) return known;
    const ratePerSecond = config.inboundRate / 60;
    const bucket = createTokenBucket({ ratePerSecond, capacity: config.inboundRate });
    buckets.set(projectId, bucket);
    return bucket;
  }

  const take = createTakeMail({
    ...deps,
    hostname: config.hostname,
    findRoutes,
    reader,
    received: store.receivedMail,
    urlsOf,
    now,
  });

  return {
    reader,
    tokens,
    isListening: config.returnPathPort !== null,
    urlsOf: ({ projectId, id }) => urlsOf(projectId, id, Number.POSITIVE_INFINITY),
    door: {
      maxSizeBytes: config.maxMessageSize,
      keepBytes: config.maxMessageSize,
      async knows(address) {
        const routes = await findRoutes(address);
        if (routes.length === 0) return false;
        const allowed = routes.every(({ projectId }) => bucketOf(projectId).take(now()).allowed);
        return allowed || LATER;
      },
      async take(mail) {
        const taken = await take(mail);
        deps.onMail(taken);
        return taken === 'taken' ? null : REFUSALS[taken];
      },
    },
    close: reader.close,
  };
}

/** By these servers (`ip` or `ip:port`), or the system's when there are none. */
function askDns(servers: readonly string[]): ResolveDns {
  const dns = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  if (servers.length > 0) dns.setServers([...servers]);
  return (name, type) => dns.resolve(name, type);
}
