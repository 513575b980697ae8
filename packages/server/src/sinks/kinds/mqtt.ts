import type { IClientOptions, MqttClient } from 'mqtt';
import { z } from 'zod';
import {
  defineSink,
  type SinkConnection,
  type SinkItem,
  type SinkSurroundings,
  SinkTrouble,
} from '../contract.ts';
import { createLifeline } from '../dialing/lifeline.ts';
import { loadPackage } from '../dialing/load-package.ts';
import { tlsOptions } from '../dialing/tls-options.ts';
import { inPieces, sendInTurn, sendTogether } from '../sending/send-splitting.ts';
import {
  caField,
  fillType,
  hostField,
  passwordField,
  portField,
  tlsField,
  usernameField,
} from '../setting-fields.ts';

const settings = z.strictObject({
  host: hostField,
  port: portField.optional().describe('1883, or 8883 with TLS, if you leave it out.'),
  tls: tlsField,
  ca: caField,
  username: usernameField,
  password: passwordField,
  version: z
    .enum(['5', '3.1.1'])
    .default('5')
    .describe('Of the protocol. With 3.1.1 a broker cannot say that it refuses a message.'),
  topic: z
    .string()
    .min(1)
    .max(500)
    .regex(/^[^+#\0]*$/, 'Write a topic without wildcards.')
    .default('posthorn/{type}')
    .describe('{type} stands for the type: email.bounced.'),
});

type Settings = z.output<typeof settings>;

const CONNECT_MS = 10_000;
/** What nobody needs to have confirmed yet: fewer where the broker asks for it. */
const MAX_IN_FLIGHT = 100;
/** What a packet has beside the event: its head, topic and properties. */
const PACKET_REST_BYTES = 1_000;

/** MQTT with QoS 1: an event is done when the broker has acknowledged it. */
export const mqtt = defineSink<Settings>({
  kind: 'mqtt',
  title: 'MQTT',
  summary:
    'A message (QoS 1) for each event. A broker keeps it only for those who have subscribed.',
  repeats: 'It comes twice, with the same id.',
  settings,
  secrets: ['password'],
  batch: 200,
  open: connect,
});

async function connect(
  config: Settings,
  { addressOf }: Pick<SinkSurroundings, 'addressOf'>,
): Promise<SinkConnection> {
  const { default: library } = await loadPackage('mqtt', () => import('mqtt'));
  const port = config.port ?? (config.tls ? 8883 : 1883);
  const where = `${config.host}:${port}`;
  const options = optionsFor(config, await addressOf(config.host), port);
  const client = library.connect(options);
  const lifeline = createLifeline(where);
  client.on('error', (error) => lifeline.cut(explain(error, where)));
  client.on('disconnect', ({ reasonCode = 0 }) => {
    const reason = Object.assign(new Error('the broker ends the connection'), { code: reasonCode });
    lifeline.cut(explain(reason, where));
  });
  client.on('close', () => lifeline.cut(explain(new Error('the connection was closed'), where)));
  try {
    const limits = await lifeline.during(new AbortController().signal, (stopped) =>
      Promise.race([welcomed(client), stopped]),
    );
    return {
      send: (items, signal) =>
        lifeline.during(signal, (stopped) =>
          sendInTurn(inPieces(items, limits.inFlight), (some) =>
            sendTogether(some, (item) => publish({ client, config, where, limits }, item), stopped),
          ),
        ),
      close: async () => {
        await client.endAsync(true);
      },
    };
  } catch (error) {
    client.end(true);
    throw error;
  }
}

function optionsFor(config: Settings, address: string, port: number): IClientOptions {
  const { tls, username, password, version } = config;
  return {
    protocol: tls ? 'mqtts' : 'mqtt',
    host: address,
    port,
    ...(tls ? tlsOptions(config) : {}),
    protocolVersion: version === '5' ? 5 : 4,
    clean: true,
    connectTimeout: CONNECT_MS,
    // Whoever sends tries again, with a connection of his own.
    reconnectPeriod: 0,
    queueQoSZero: false,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}

interface Limits {
  /** How many messages may wait for their acknowledgement at a time. */
  inFlight: number;
  /** A broker ends the connection of whoever sends more. */
  packetBytes: number;
}

function welcomed(client: MqttClient): Promise<Limits> {
  return new Promise((resolve) => {
    client.once('connect', ({ properties }) => {
      resolve({
        inFlight: Math.min(properties?.receiveMaximum ?? MAX_IN_FLIGHT, MAX_IN_FLIGHT),
        packetBytes: properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY,
      });
    });
  });
}

async function publish(
  way: { client: MqttClient; config: Settings; where: string; limits: Limits },
  { event, json }: SinkItem,
): Promise<void> {
  const { client, config, where, limits } = way;
  const properties = {
    contentType: 'application/json',
    userProperties: { id: event.id, type: event.type },
  };
  const content = Buffer.from(json);
  if (content.length + PACKET_REST_BYTES > limits.packetBytes) {
    const detail = `${where} takes packets of ${limits.packetBytes} bytes: the event has ${content.length}.`;
    throw new SinkTrouble('refused', detail);
  }
  try {
    await client.publishAsync(fillType(config.topic, event.type), content, {
      qos: 1,
      ...(config.version === '5' ? { properties } : {}),
    });
  } catch (error) {
    throw explain(error, where);
  }
}

/** Reason codes of MQTT 5, and the return codes 3 to 5 of MQTT 3.1.1. */
const CREDENTIALS = [4, 5, 0x86, 0x87, 0x8a, 0x8c];
const UNAVAILABLE = [3, 0x88, 0x89, 0x8b, 0x93, 0x96, 0x97, 0x9f];
const REFUSED = [0x95, 0x99];
const NOT_FOUND = [0x90];

function explain(error: unknown, where: string): SinkTrouble {
  const { message = String(error), code } = error as Error & { code?: unknown };
  const cause = { cause: error };
  const said = `${where}: ${message}`;
  const is = (codes: readonly number[]) => typeof code === 'number' && codes.includes(code);
  if (is(CREDENTIALS)) return new SinkTrouble('credentials', said, cause);
  if (is(UNAVAILABLE)) return new SinkTrouble('unavailable', said, cause);
  if (is(REFUSED)) return new SinkTrouble('refused', said, cause);
  if (is(NOT_FOUND)) return new SinkTrouble('not_found', said, cause);
  if (/timed? ?out|ETIMEDOUT/i.test(message)) return new SinkTrouble('timeout', said, cause);
  return new SinkTrouble('unreachable', said, cause);
}
