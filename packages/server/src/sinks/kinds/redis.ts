import type { Redis } from 'ioredis';
import { z } from 'zod';
import {
  defineSink,
  type ItemRefusal,
  type SinkConnection,
  type SinkItem,
  type SinkSurroundings,
  SinkTrouble,
} from '../contract.ts';
import { createLifeline } from '../dialing/lifeline.ts';
import { loadPackage } from '../dialing/load-package.ts';
import { tlsOptions } from '../dialing/tls-options.ts';
import {
  caField,
  hostField,
  passwordField,
  portField,
  tlsField,
  usernameField,
} from '../setting-fields.ts';

const settings = z.strictObject({
  host: hostField,
  port: portField.default(6379),
  tls: tlsField,
  ca: caField,
  username: usernameField,
  password: passwordField,
  db: z.int().min(0).max(65_535).default(0),
  stream: z.string().min(1).max(500).default('posthorn:events').describe('The key of the stream.'),
  max_length: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .optional()
    .describe('About so many entries are kept; the oldest go first (MAXLEN ~).'),
});

type Settings = z.output<typeof settings>;

const CONNECT_MS = 10_000;

/**
 * Redis Streams. An entry's id is the event's place in the log, which Redis takes once and only in rising
 * order: an event that is sent twice stands there once. What comes late (a backfill) gets an id of
 * Redis's own.
 */
export const redis = defineSink<Settings>({
  kind: 'redis',
  title: 'Redis Streams',
  summary: 'An entry in a stream for each event.',
  repeats: 'It stands there once, but for a backfill of what was there and was trimmed away.',
  settings,
  secrets: ['password'],
  batch: 500,
  open: connect,
});

async function connect(
  config: Settings,
  { addressOf }: Pick<SinkSurroundings, 'addressOf'>,
): Promise<SinkConnection> {
  const { Redis: Client } = await loadPackage('ioredis', () => import('ioredis'));
  const { host, port, tls, username, password, db } = config;
  const client = new Client({
    host: await addressOf(host),
    port,
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: tlsOptions(config) } : {}),
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    enableOfflineQueue: false,
    // Whoever sends tries again, with a connection of his own.
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  let broken: Error | null = null;
  client.on('error', (error: Error) => {
    broken = error;
  });
  const lifeline = createLifeline(`${host}:${port}`);
  try {
    await client.connect();
  } catch (error) {
    client.disconnect();
    throw explain(broken ?? error, `${host}:${port}`);
  }
  return {
    async send(items, signal) {
      try {
        return await lifeline.during(signal, (stopped) =>
          Promise.race([add(client, config, items), stopped]),
        );
      } catch (error) {
        throw error instanceof SinkTrouble ? error : explain(broken ?? error, `${host}:${port}`);
      }
    },
    async close() {
      client.disconnect();
    },
  };
}

type Reply = [error: Error | null, result: unknown];

async function add(
  client: Redis,
  config: Settings,
  items: readonly SinkItem[],
): Promise<readonly ItemRefusal[]> {
  const addAs = (some: readonly SinkItem[], idOf: (item: SinkItem) => string) =>
    run(
      client,
      some.map((item) => entryOf(config, item, idOf(item))),
    );
  const replies = await addAs(items, idAt);
  const late = items.filter((_, i) => isTooLate(replies[i]));
  const rest = replies.filter((reply) => !isTooLate(reply));
  throwFirst(rest);
  // Either it stands there since the last try, or it is older than what does.
  const there = await run(
    client,
    late.map((item) => ['xrange', config.stream, idAt(item), idAt(item)]),
  );
  throwFirst(there);
  const missing = late.filter((_, i) => (there[i]?.[1] as unknown[] | undefined)?.length === 0);
  throwFirst(await addAs(missing, () => '*'));
  return [];
}

const idAt = ({ position }: SinkItem): string => `${position}-1`;

function entryOf({ stream, max_length }: Settings, item: SinkItem, id: string): string[] {
  const { event, json } = item;
  const trim = max_length === undefined ? [] : ['MAXLEN', '~', String(max_length)];
  const fields = ['id', event.id, 'type', event.type, 'event', json];
  return ['xadd', stream, ...trim, id, ...fields];
}

async function run(client: Redis, commands: readonly string[][]): Promise<Reply[]> {
  if (commands.length === 0) return [];
  return ((await client.pipeline(commands as string[][]).exec()) ?? []) as Reply[];
}

/** "The ID specified in XADD is equal or smaller than the target stream top item". */
function isTooLate(reply: Reply | undefined): boolean {
  return /equal or smaller than/.test(reply?.[0]?.message ?? '');
}

function throwFirst(replies: readonly Reply[]): void {
  for (const [error] of replies) if (error !== null) throw error;
}

function explain(error: unknown, where: string): SinkTrouble {
  const message = (error as Error).message ?? String(error);
  const said = `${where}: ${message}`;
  if (/^(WRONGPASS|NOAUTH|NOPERM)|invalid password/i.test(message)) {
    return new SinkTrouble('credentials', said, { cause: error });
  }
  if (/^(OOM|LOADING|BUSY|READONLY|MASTERDOWN|MISCONF|CLUSTERDOWN)/.test(message)) {
    return new SinkTrouble('unavailable', said, { cause: error });
  }
  // The key is something else than a stream: somebody has to change one of the two.
  if (/^WRONGTYPE/.test(message)) return new SinkTrouble('not_found', said, { cause: error });
  if (/timed? ?out/i.test(message)) return new SinkTrouble('timeout', said, { cause: error });
  return new SinkTrouble('unreachable', said, { cause: error });
}
