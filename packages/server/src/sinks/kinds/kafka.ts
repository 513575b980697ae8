import { isIP, type LookupFunction } from 'node:net';
import type { Broker, Connection, ConnectionPool, SASLOptions } from '@platformatic/kafka';
import { z } from 'zod';
import {
  defineSink,
  type SinkConnection,
  type SinkItem,
  type SinkSurroundings,
  SinkTrouble,
} from '../contract.ts';
import { closeSoon, createLifeline } from '../dialing/lifeline.ts';
import { loadPackage } from '../dialing/load-package.ts';
import { caField, passwordField, tlsField, usernameField } from '../setting-fields.ts';

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

const BROKER = /^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::(\d{1,5}))?$/;

const settings = z.strictObject({
  brokers: z
    .string()
    .max(2_000)
    .refine(
      (text) =>
        brokersOf(text).every(({ host, port }) => host !== '' && port >= 1 && port < 65_536),
      'Write "host:port", with a comma between two.',
    )
    .describe('Some of the cluster: "a.example.com:9092, b.example.com:9092".'),
  tls: tlsField,
  ca: caField,
  username: usernameField.describe('For SASL.'),
  password: passwordField,
  mechanism: z.enum(MECHANISMS).default('PLAIN').describe('Of SASL.'),
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/, 'A topic has letters, digits, dots, dashes and underscores.')
    .default('posthorn.events')
    .describe('It is not created.'),
});

type Settings = z.output<typeof settings>;
type AddressOf = SinkSurroundings['addressOf'];

const CONNECT_MS = 10_000;
const REQUEST_MS = 30_000;
/** Within one connection the broker knows what comes twice; more tries are the lane's. */
const RETRIES = 2;
const RETRY_MS = 500;
const DEFAULT_PORT = 9_092;

/** Kafka: an event is done when all replicas in sync have it. */
export const kafka = defineSink<Settings>({
  kind: 'kafka',
  title: 'Apache Kafka',
  summary: 'A record in a topic for each event; those of one message stand in one partition.',
  repeats: 'It stands there twice, with the same header id.',
  settings,
  secrets: ['password'],
  batch: 500,
  open: connect,
});

async function connect(
  config: Settings,
  { addressOf, clock }: Pick<SinkSurroundings, 'addressOf' | 'clock'>,
): Promise<SinkConnection> {
  const { Producer, compatibilityPartitioner, ProduceAcks, NetworkError } = await loadPackage(
    '@platformatic/kafka',
    () => import('@platformatic/kafka'),
  );
  const brokers = brokersOf(config.brokers);
  const where = config.brokers;
  const producer = new Producer<Buffer, Buffer, Buffer, Buffer>({
    clientId: 'posthorn',
    bootstrapBrokers: brokers,
    idempotent: true,
    acks: ProduceAcks.ALL,
    // As all other clients do it, so that their records with this key stand in the same partition.
    partitioner: compatibilityPartitioner,
    autocreateTopics: false,
    retries: RETRIES,
    retryDelay: RETRY_MS,
    connectTimeout: CONNECT_MS,
    requestTimeout: REQUEST_MS,
    timeout: REQUEST_MS,
    ...tlsFor(config, brokers, addressOf),
    ...saslFor(config),
  });
  guardDials(producer.connections, {
    addressOf,
    tls: config.tls,
    wrap: (cause) => new NetworkError(cause.message, { canRetry: false, cause }),
  });
  const lifeline = createLifeline(where);
  return {
    async send(items, signal) {
      const messages = items.map((item) => recordOf(config.topic, item));
      try {
        await lifeline.during(signal, (stopped) =>
          Promise.race([producer.send({ messages }), stopped]),
        );
        return [];
      } catch (error) {
        throw explain(error, where);
      }
    },
    close() {
      const sockets = [...producer.connections].map(([, connection]) => connection.socket);
      const destroy = () => {
        for (const socket of sockets) socket.destroy();
      };
      return closeSoon(producer.close(true), destroy, clock);
    },
  };
}

/** A port that cannot be and a host without a name stand for what is not readable. */
function brokersOf(text: string): Broker[] {
  return text.split(',').map((one) => {
    const [, host = '', port] = BROKER.exec(one.trim()) ?? [];
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? DEFAULT_PORT) };
  });
}

function recordOf(topic: string, { event, json }: SinkItem) {
  const { message } = event.data;
  return {
    topic,
    key: Buffer.from(message?.id ?? message?.provider_id ?? event.id),
    value: Buffer.from(json),
    headers: new Map([
      [Buffer.from('id'), Buffer.from(event.id)],
      [Buffer.from('type'), Buffer.from(event.type)],
    ]),
    timestamp: BigInt(Date.parse(event.timestamp)),
  };
}

function saslFor({ username, password, mechanism }: Settings): { sasl?: SASLOptions } {
  if (username === undefined) return {};
  return { sasl: { mechanism, username, password: password ?? '' } };
}

function tlsFor({ tls, ca }: Settings, brokers: readonly Broker[], addressOf: AddressOf) {
  if (!tls) return {};
  const lookup: LookupFunction = (host, options, found) => {
    addressOf(host).then(
      (address) => {
        const family = isIP(address);
        if (options.all === true) found(null, [{ address, family }]);
        else found(null, address, family);
      },
      (error: Error) => found(error, ''),
    );
  };
  return {
    tls: { lookup, ...(ca === undefined ? {} : { ca }) },
    // An address is no server name.
    tlsServerName: brokers.every(({ host }) => isIP(host) === 0),
  };
}

type Found = (error: Error | null, connection: Connection) => void;

/**
 * A cluster names the brokers that are to be dialled: each of them is judged first, and what is dialled is
 * the address that was judged. With TLS the name stays, for the certificate, and `lookup` does the same.
 */
function guardDials(
  pool: ConnectionPool,
  options: { addressOf: AddressOf; tls: boolean; wrap: (trouble: Error) => Error },
): void {
  const dial = pool.get.bind(pool) as (broker: Broker, found: Found) => void;
  const guarded = (broker: Broker | null | undefined, found: Found): void => {
    // A partition without a leader at the moment: the pool has an error for it.
    if (broker?.host === undefined) {
      dial(broker as unknown as Broker, found);
      return;
    }
    options.addressOf(broker.host).then(
      (address) => dial(options.tls ? broker : { ...broker, host: address }, found),
      (error: Error) => (found as (error: Error) => void)(options.wrap(error)),
    );
  };
  pool.get = guarded as ConnectionPool['get'];
}

/** An error and all that it was made of. */
function causesOf(error: unknown): Error[] {
  if (!(error instanceof Error)) return [];
  const { errors = [] } = error as Error & { errors?: unknown[] };
  return [error, ...[error.cause, ...errors].flatMap(causesOf)];
}

const CREDENTIALS = /^(PLT_KFK_AUTHENTICATION|.*SASL.*|.*_AUTHORIZATION_FAILED)$/;
const NOT_FOUND = /^(UNKNOWN_TOPIC_OR_PARTITION|INVALID_TOPIC_EXCEPTION)$/;
const REFUSED = /^(MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE|INVALID_RECORD)$/;
const TIMEOUT = /^(PLT_KFK_TIMEOUT|REQUEST_TIMED_OUT)$/;

function explain(error: unknown, where: string): SinkTrouble {
  const causes = causesOf(error);
  const trouble = causes.find((one) => one instanceof SinkTrouble);
  if (trouble !== undefined) return trouble;
  const codes = causes.flatMap((one) => {
    const { code, apiId } = one as { code?: unknown; apiId?: unknown };
    return [code, apiId].filter((text) => typeof text === 'string');
  });
  const said = `${where}: ${causes.at(-1)?.message ?? String(error)}`;
  const is = (pattern: RegExp) => codes.some((code) => pattern.test(code));
  const cause = { cause: error };
  if (is(CREDENTIALS)) return new SinkTrouble('credentials', said, cause);
  if (is(NOT_FOUND) || causes.some(({ message }) => message.startsWith('Unknown topic'))) {
    return new SinkTrouble('not_found', said, cause);
  }
  if (is(REFUSED)) return new SinkTrouble('refused', said, cause);
  if (is(TIMEOUT)) return new SinkTrouble('timeout', said, cause);
  // It answers, and says no: too few replicas, no leader, a quota.
  if (is(/^[A-Z]+(_[A-Z]+)+$/) && is(/^PLT_KFK_(PROTOCOL|RESPONSE)$/)) {
    return new SinkTrouble('unavailable', said, cause);
  }
  return new SinkTrouble('unreachable', said, cause);
}
