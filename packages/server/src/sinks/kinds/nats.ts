import type { JetStreamClient } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
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
  port: portField.default(4222),
  tls: tlsField,
  ca: caField,
  username: usernameField,
  password: passwordField,
  token: z.string().max(1_000).optional().describe('Instead of username and password.'),
  credentials: z
    .string()
    .max(20_000)
    .regex(/-----BEGIN NATS USER JWT-----/, 'Write the text of a .creds file.')
    .optional()
    .describe('The text of a .creds file (JWT and seed), instead of username and password.'),
  subject: z
    .string()
    .max(200)
    .regex(/^[^\s.*>]+(\.[^\s.*>]+)*$/, 'Write a subject without spaces and wildcards.')
    .default('posthorn.{type}')
    .describe('A stream has to take it. {type} stands for the type: email.bounced.'),
});

type Settings = z.output<typeof settings>;

const CONNECT_MS = 10_000;
/** Longer than a batch may take: the lane is who gives up. */
const ACK_MS = 120_000;

/** NATS JetStream: a message is done when a stream has acknowledged it. */
export const nats = defineSink<Settings>({
  kind: 'nats',
  title: 'NATS JetStream',
  summary: 'A message in a stream for each event.',
  repeats:
    'The stream drops it within its duplicate window (2 minutes if nobody has set another), by Nats-Msg-Id.',
  settings,
  secrets: ['password', 'token', 'credentials'],
  batch: 500,
  open: connect,
});

async function connect(
  config: Settings,
  { addressOf }: Pick<SinkSurroundings, 'addressOf'>,
): Promise<SinkConnection> {
  const { connect: dial, credsAuthenticator } = await loadPackage(
    '@nats-io/transport-node',
    () => import('@nats-io/transport-node'),
  );
  const { jetstream } = await loadPackage('@nats-io/jetstream', () => import('@nats-io/jetstream'));
  const { host, port, tls, username, password, token, credentials } = config;
  const where = `${host}:${port}`;
  const address = await addressOf(host);
  let client: NatsConnection;
  try {
    client = await dial({
      servers: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
      // The other servers of a cluster name themselves: their addresses would be nobody's choice.
      ignoreClusterUpdates: true,
      resolve: false,
      tls: tls ? tlsOptions(config) : null,
      timeout: CONNECT_MS,
      reconnect: false,
      name: 'posthorn',
      ...(username === undefined ? {} : { user: username }),
      ...(password === undefined ? {} : { pass: password }),
      ...(token === undefined ? {} : { token }),
      ...(credentials === undefined
        ? {}
        : { authenticator: credsAuthenticator(new TextEncoder().encode(credentials)) }),
    });
  } catch (error) {
    throw explain(error, where);
  }
  const lifeline = createLifeline(where);
  client.closed().then((error) => {
    lifeline.cut(explain(error ?? new Error('the connection was closed'), where));
  });
  const stream = jetstream(client, { timeout: ACK_MS });
  return {
    send: (items, signal) =>
      lifeline.during(signal, (stopped) =>
        sendTogether(items, (item) => publish(stream, config, item), stopped),
      ),
    close: () => client.close(),
  };
}

async function publish(
  stream: JetStreamClient,
  { host, port, subject }: Settings,
  { event, json }: SinkItem,
): Promise<void> {
  try {
    await stream.publish(fillType(subject, event.type), json, { msgID: event.id });
  } catch (error) {
    throw explain(error, `${host}:${port}`, fillType(subject, event.type));
  }
}

/** What JetStream says by number: error codes of its API. */
const TOO_LARGE = 10_054;
const NO_STREAM_THERE = [10_039, 10_059, 10_076];

function explain(error: unknown, where: string, subject = ''): SinkTrouble {
  const { name = '', message = String(error), code } = error as Error & { code?: unknown };
  const cause = { cause: error };
  const said = `${where}: ${message}`;
  if (/Authorization|AuthenticationExpired|PermissionViolation/.test(name)) {
    return new SinkTrouble('credentials', said, cause);
  }
  if (name === 'JetStreamNotEnabled' || NO_STREAM_THERE.includes(Number(code))) {
    const detail = `${where}: no stream of JetStream takes the subject ${subject}.`;
    return new SinkTrouble('not_found', detail, cause);
  }
  if (code === TOO_LARGE || /max_payload/.test(message)) {
    return new SinkTrouble('refused', said, cause);
  }
  // Its disk or a limit of the stream is full.
  if (name === 'JetStreamApiError') return new SinkTrouble('unavailable', said, cause);
  if (name === 'TimeoutError') return new SinkTrouble('timeout', said, cause);
  return new SinkTrouble('unreachable', said, cause);
}
