import { STREAMS, type Stream } from '../core/mail/streams.ts';
import {
  createStreamTransmitter,
  type MailTransmitter,
} from '../mail/delivery/mail-transmitter.ts';
import { createRelayChain, type Relay } from '../mail/delivery/relay-chain.ts';
import { findPool } from '../mail/delivery/source-pools.ts';
import { createSourceUsage, type KeptUsage } from '../mail/delivery/source-usage.ts';
import { createApiTransmitter } from '../mail/relays/api-transmitter.ts';
import { parseRelays, type RelaySetting } from '../mail/relays/parse-relays.ts';
import { createSourceAddresses } from '../smtp/client/source-addresses.ts';
import { createMailResolver } from '../smtp/create-mail-resolver.ts';
import { createTlsPolicies } from '../smtp/tls-policy/create-tls-policies.ts';
import { createTransmitter, type Transmitter, type TransmitterOptions } from '../smtp/transmit.ts';
import { createSourceCounts } from '../store/mail/source-counts.ts';
import type { Basics } from './open-basics.ts';

/** RFC 5321 4.5.3.2 allows minutes; a server that is silent this long will not answer at all. */
const SMTP_TIMEOUTS = {
  connectTimeoutMs: 30_000,
  greetingTimeoutMs: 60_000,
  replyTimeoutMs: 120_000,
  dataTimeoutMs: 300_000,
};
/** Of the API of a provider, the upload of a large message included. */
const API_TIMEOUT_MS = 120_000;
/** Big mailbox providers cut connections after about this many messages. */
const MAX_MESSAGES_PER_CONNECTION = 100;
const SMTP_IDLE_MS = 10_000;

type Needs = Pick<Basics, 'config' | 'clock' | 'random' | 'log' | 'store'>;

export interface WaysOut {
  transmitter: MailTransmitter;
  /** No stream goes to the servers of the recipients' domains. */
  relaysAll: boolean;
}

/** Each stream by its relays, or to the servers that DNS names, from its pool of addresses. */
export async function buildTransmitter(basics: Needs): Promise<WaysOut> {
  const { config, clock, log } = basics;
  const settings = settingsOf(config);
  const usage = createSourceUsage({
    counts: createSourceCounts(basics.store.engine),
    clock,
    log,
  });
  const pools = [...config.mailPools.values()].flat();
  const warming = pools.filter(({ warmingSinceMs }) => warmingSinceMs !== null);
  await usage.load(warming.map(({ address }) => address));
  // Streams that go the same way share their connections.
  const made = new Map<string, Transmitter>();
  const wayOf = (stream: Stream): Transmitter => {
    const { relays, pool, key } = settings[stream];
    const way = made.get(key) ?? buildWay(basics, { relays, pool, usage });
    made.set(key, way);
    return way;
  };
  const transmitter = createStreamTransmitter({
    transactional: wayOf('transactional'),
    broadcast: wayOf('broadcast'),
  });
  return {
    transmitter: {
      transmit: transmitter.transmit,
      async close() {
        await transmitter.close();
        await usage.stop();
      },
    },
    relaysAll: STREAMS.every((stream) => settings[stream].relays.length > 0),
  };
}

interface Way {
  relays: readonly RelaySetting[];
  pool: ReturnType<typeof findPool>;
}

function settingsOf(config: Needs['config']): Record<Stream, Way & { key: string }> {
  const wayOf = (own: string | null, poolName: string | null, poolSetting: string) => {
    const text = own ?? config.smarthost ?? '';
    return {
      relays: text === 'direct' ? [] : parseRelays(text),
      pool: findPool(config, poolName, poolSetting),
      key: `${text} ${poolName ?? ''}`,
    };
  };
  const { smarthostTransactional, smarthostBroadcast } = config;
  return {
    transactional: wayOf(
      smarthostTransactional,
      config.mailPoolTransactional,
      'mail_pool_transactional',
    ),
    broadcast: wayOf(smarthostBroadcast, config.mailPoolBroadcast, 'mail_pool_broadcast'),
  };
}

function buildWay(basics: Needs, { relays, pool, usage }: Way & { usage: KeptUsage }): Transmitter {
  const { config, clock, random, log } = basics;
  const { now } = clock;
  const networks = config.mailNetworks ?? [];
  const shared: TransmitterOptions = {
    port: config.mailPort,
    heloName: config.hostname,
    ...SMTP_TIMEOUTS,
    maxConnectionsPerDestination: Math.max(
      config.mailDestinationConcurrency,
      ...config.mailDestinationLimits.map(({ concurrency }) => concurrency),
    ),
    maxMessagesPerConnection: MAX_MESSAGES_PER_CONNECTION,
    sources: createSourceAddresses({ addresses: pool, warmup: config.mailWarmup, usage, now }),
    idleMs: SMTP_IDLE_MS,
    tlsMode: config.mailTls,
    now,
    log,
  };
  if (relays.length === 0) {
    return createTransmitter({
      ...shared,
      resolver: createMailResolver({ ...config, networks, now, random }),
      ...createTlsPolicies({ ...config, networks, now, log }),
    });
  }
  const chain = relays.map((one): Relay => {
    const transmitter =
      one.kind === 'smtp'
        ? createTransmitter({ ...shared, smarthost: one.smarthost })
        : createApiTransmitter(one.relay, one.url, { now, timeoutMs: API_TIMEOUT_MS });
    return { name: one.name, transmitter };
  });
  return createRelayChain(chain, { now, log });
}
