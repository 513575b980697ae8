import type { Socket } from 'node:net';
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { z } from 'zod';
import {
  defineSink,
  type SinkConnection,
  type SinkItem,
  type SinkSurroundings,
  SinkTrouble,
} from '../contract.ts';
import { closeSoon, createLifeline, type Lifeline } from '../dialing/lifeline.ts';
import { loadPackage } from '../dialing/load-package.ts';
import { tlsOptions } from '../dialing/tls-options.ts';
import { sendTogether } from '../sending/send-splitting.ts';
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
  port: portField.optional().describe('5672, or 5671 with TLS, if you leave it out.'),
  tls: tlsField,
  ca: caField,
  username: usernameField.default('guest'),
  password: passwordField.default('guest'),
  vhost: z.string().min(1).max(255).default('/'),
  exchange: z
    .string()
    .max(255)
    .default('')
    .describe('Without one, the routing key is the name of a queue.'),
  routing_key: z
    .string()
    .max(200)
    .default('posthorn.events')
    .describe('{type} stands for the type: email.bounced.'),
});

type Settings = z.output<typeof settings>;

const CONNECT_MS = 10_000;
const HEARTBEAT_S = 20;

/** RabbitMQ (AMQP 0-9-1): an event is done when the server has confirmed it, and a queue has got it. */
export const rabbitmq = defineSink<Settings>({
  kind: 'rabbitmq',
  title: 'RabbitMQ',
  summary: 'A persistent message for each event, to an exchange or straight into a queue.',
  repeats: 'It stands there twice, with the same message_id.',
  settings,
  secrets: ['password'],
  batch: 200,
  open: connect,
});

async function connect(
  config: Settings,
  { addressOf, clock }: Pick<SinkSurroundings, 'addressOf' | 'clock'>,
): Promise<SinkConnection> {
  const { connect: dial } = await loadPackage('amqplib', () => import('amqplib'));
  const { host, tls, username, password, vhost } = config;
  const port = config.port ?? (tls ? 5671 : 5672);
  const where = `${host}:${port}`;
  const hostname = await addressOf(host);
  const lifeline = createLifeline(where);
  let client: ChannelModel | null = null;
  try {
    client = await dial(
      {
        protocol: tls ? 'amqps' : 'amqp',
        hostname,
        port,
        username,
        password,
        vhost: encodeURIComponent(vhost),
        heartbeat: HEARTBEAT_S,
      },
      { timeout: CONNECT_MS, noDelay: true, ...(tls ? tlsOptions(config) : {}) },
    );
    listen(client, lifeline, where);
    const channel = await client.createConfirmChannel();
    return ready(client, channel, { config, lifeline, where, clock });
  } catch (error) {
    if (client !== null) await hangUp(client, clock);
    throw explain(error, where);
  }
}

function listen(client: ChannelModel, lifeline: Lifeline, where: string): void {
  client.on('error', (error) => lifeline.cut(explain(error, where)));
  client.on('close', (error) => {
    lifeline.cut(explain(error ?? new Error('the connection was closed'), where));
  });
  // Its memory or disk is full: it reads nothing more, and does not say until when.
  client.on('blocked', (reason) => {
    lifeline.cut(new SinkTrouble('unavailable', `${where} takes nothing: ${reason}.`));
  });
}

interface Surroundings {
  config: Settings;
  lifeline: Lifeline;
  where: string;
  clock: SinkSurroundings['clock'];
}

function ready(
  client: ChannelModel,
  channel: ConfirmChannel,
  { config, lifeline, where, clock }: Surroundings,
): SinkConnection {
  const returned = new Map<string, string>();
  channel.on('error', (error) => lifeline.cut(explain(error, where)));
  channel.on('close', () => lifeline.cut(explain(new Error('the channel was closed'), where)));
  channel.on('return', ({ properties, fields }) => {
    returned.set(properties.messageId, String(Reflect.get(fields, 'replyText')));
  });

  async function publish(item: SinkItem): Promise<void> {
    const id = item.event.id;
    await confirmed(channel, config, item).catch((error: unknown) => {
      throw explain(error, where);
    });
    // The server tells of it before it confirms.
    const reason = returned.get(id);
    if (reason === undefined) return;
    returned.delete(id);
    const key = fillType(config.routing_key, item.event.type);
    const target = config.exchange === '' ? '' : ` of the exchange ${config.exchange}`;
    throw new SinkTrouble('not_found', `${where}: no queue gets ${key}${target} (${reason}).`);
  }

  return {
    send: (items, signal) =>
      lifeline.during(signal, (stopped) => sendTogether(items, publish, stopped)),
    close: () => hangUp(client, clock),
  };
}

function hangUp(client: ChannelModel, clock: SinkSurroundings['clock']): Promise<void> {
  // The types know nothing of the socket below.
  const { stream } = client.connection as unknown as { stream?: Socket };
  // With an error, or its heartbeat goes on.
  const destroy = () => stream?.destroy(new Error('the connection was given up'));
  return closeSoon(client.close(), destroy, clock);
}

function confirmed(
  channel: ConfirmChannel,
  { exchange, routing_key }: Settings,
  { event, json }: SinkItem,
): Promise<void> {
  const options = {
    mandatory: true,
    persistent: true,
    messageId: event.id,
    type: event.type,
    timestamp: Math.floor(Date.parse(event.timestamp) / 1_000),
    contentType: 'application/json',
    appId: 'posthorn',
  };
  const content = Buffer.from(json);
  return new Promise((resolve, reject) => {
    channel.publish(exchange, fillType(routing_key, event.type), content, options, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
}

function explain(error: unknown, where: string): SinkTrouble {
  const { message = String(error) } = error as Error;
  const cause = { cause: error };
  const said = `${where}: ${message}`;
  if (/ACCESS[-_]REFUSED/.test(message)) return new SinkTrouble('credentials', said, cause);
  if (/NOT[-_]FOUND/.test(message)) return new SinkTrouble('not_found', said, cause);
  // The library keeps to itself what the server says about this.
  if (/Expected ConnectionOpenOk/.test(message)) {
    const detail = `${where}: there is no such virtual host, or this user may not open it.`;
    return new SinkTrouble('not_found', detail, cause);
  }
  // A queue is full, and was told to refuse what does not fit.
  if (/nacked/.test(message)) return new SinkTrouble('unavailable', said, cause);
  if (/ETIMEDOUT|timed? ?out/i.test(message)) return new SinkTrouble('timeout', said, cause);
  return new SinkTrouble('unreachable', said, cause);
}
