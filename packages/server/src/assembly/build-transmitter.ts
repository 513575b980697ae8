import { parseSmarthost } from '../mail/smarthost.ts';
import { createMailResolver } from '../smtp/create-mail-resolver.ts';
import { createTlsPolicies } from '../smtp/tls-policy/create-tls-policies.ts';
import { createTransmitter, type Transmitter } from '../smtp/transmit.ts';
import type { Basics } from './open-basics.ts';

/** RFC 5321 4.5.3.2 allows minutes; a server that is silent this long will not answer at all. */
const SMTP_TIMEOUTS = {
  connectTimeoutMs: 30_000,
  greetingTimeoutMs: 60_000,
  replyTimeoutMs: 120_000,
  dataTimeoutMs: 300_000,
};
/** Big mailbox providers cut connections after about this many messages. */
const MAX_MESSAGES_PER_CONNECTION = 100;
const SMTP_IDLE_MS = 10_000;

/** By way of the smarthost, or to the servers that the DNS names. */
export function buildTransmitter({
  config,
  clock,
  random,
  log,
}: Pick<Basics, 'config' | 'clock' | 'random' | 'log'>): Transmitter {
  const { now } = clock;
  const networks = config.mailNetworks ?? [];
  return createTransmitter({
    ...(config.smarthost === null
      ? { resolver: createMailResolver({ ...config, networks, now, random }) }
      : { smarthost: parseSmarthost(config.smarthost) }),
    port: config.mailPort,
    heloName: config.hostname,
    ...SMTP_TIMEOUTS,
    maxConnectionsPerDestination: Math.max(
      config.mailDestinationConcurrency,
      ...config.mailDestinationLimits.map(({ concurrency }) => concurrency),
    ),
    maxMessagesPerConnection: MAX_MESSAGES_PER_CONNECTION,
    sourceAddresses: config.mailSourceAddresses,
    idleMs: SMTP_IDLE_MS,
    tlsMode: config.mailTls,
    ...createTlsPolicies({ ...config, networks, now, log }),
    now,
    log,
  });
}
