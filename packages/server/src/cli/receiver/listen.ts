import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type CanonicalEvent, encodeSecret } from '@posthorn/sdk';
import { ConfigError } from '../../config.ts';
import { KEY_BYTES } from '../../core/webhooks/signing-keys.ts';
import { systemClock, toTimestamp } from '../../lib/clock.ts';
import type { ApiClient } from '../client/api-client.ts';
import type { ClientFlags } from '../client/client-settings.ts';
import { followEvents } from '../client/event-stream.ts';
import { configFolder } from '../client/profiles.ts';
import { runClientCommand } from '../client/run-client-command.ts';
import { listenToKeys } from '../program/listen-to-keys.ts';
import { createForwarder, type Forwarded, type Forwarder } from './listen/forwarder.ts';
import { createKeyCommands, KEY_HELP } from './listen/key-commands.ts';
import { loadLocalSecret } from './listen/local-secret.ts';
import { isLoopback, readHttpUrl } from './webhook/command-url.ts';
import { renderResult, resultJson } from './webhook/deliver.ts';
import { createExchanger } from './webhook/exchange.ts';
import { createWebhookWriter, readSecret } from './webhook/webhook-writer.ts';

export interface ListenInput extends ClientFlags {
  forward: string;
  /** That of this machine by default. */
  secret?: string;
  dialect: string;
  /** Types or families, separated by commas. */
  type?: string;
  after: string;
  /** Ids of events, or `last` and how many: those are sent once, and that is all. */
  replay?: readonly string[];
  json: boolean;
}

/** What the command needs of the world, so that a test can give it. */
export interface ListenWorld {
  env: NodeJS.ProcessEnv;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
  out(line: string): void;
  writeError(text: string): void;
  signal: AbortSignal;
  quit(): void;
  /** What is typed on a terminal; null where there is none. Returns how to stop. */
  onKeys: ((listener: (text: string) => void) => () => void) | null;
}

const TIMEOUT_MS = 15_000;
const MAX_REPLAYED = 100;

/**
 * `posthorn listen --forward URL`: the events of a server, as they come, to a receiver on this machine,
 * signed as a webhook. Resolves with the exit code: with `replay` 1 when one was not taken.
 */
export async function listen(
  input: ListenInput,
  world: ListenWorld = systemWorld(),
): Promise<number> {
  const exchanger = createExchanger({
    nowMs: world.nowMs,
    timeoutMs: TIMEOUT_MS,
    connections: 1,
    // Somebody's own certificate while he develops. Real events go nowhere else without a known one.
    trusts: isLoopback,
  });
  try {
    const url = readHttpUrl(input.forward, '--forward');
    const secret =
      input.secret === undefined
        ? loadLocalSecret(configFolder(world.env), () => encodeSecret(randomBytes(KEY_BYTES)))
        : readSecret(input.secret);
    const writer = createWebhookWriter({ dialect: input.dialect, secret });
    const forwarder = createForwarder({ url, writer, send: exchanger.send, nowMs: world.nowMs });
    const show = (forwarded: Forwarded): void => world.out(render(forwarded, input.json, world));
    const work = { input, world, forwarder, show };
    return await runClientCommand(
      input,
      (client) => {
        if (input.replay !== undefined) return replayChosen(client, input.replay, work);
        const own = input.secret === undefined ? `\nThe receiver verifies with ${secret}` : '';
        world.writeError(`Events of ${client.url} go to ${url.href} (${writer.dialect}).${own}\n`);
        return forwardAll(client, work);
      },
      world,
    );
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    world.writeError(`posthorn listen: ${error.message}\n`);
    return 2;
  } finally {
    exchanger.close();
  }
}

interface Work {
  input: ListenInput;
  world: ListenWorld;
  forwarder: Forwarder;
  show(forwarded: Forwarded): void;
}

async function forwardAll(client: ApiClient, work: Work): Promise<number> {
  const { input, world, forwarder, show } = work;
  const say = (line: string): void => world.writeError(`${line}\n`);
  const keys = createKeyCommands({ forwarder, show, say, quit: world.quit });
  const stopKeys = world.onKeys?.(keys.type);
  if (stopKeys !== undefined) say(KEY_HELP);
  let isLost = false;
  try {
    const events = followEvents({
      client,
      after: input.after,
      filter: input.type === undefined ? {} : { type: input.type },
      signal: world.signal,
      sleep: world.sleep,
      onLost(reason, waitMs) {
        if (!isLost) say(`The connection is gone (${reason}); again in ${waitMs / 1_000} s.`);
        isLost = true;
      },
      onOpen() {
        if (isLost) say('Connected again; nothing was missed.');
        isLost = false;
      },
    });
    for await (const event of events) show(await forwarder.forward(event));
    return 0;
  } finally {
    stopKeys?.();
  }
}

async function replayChosen(
  client: ApiClient,
  chosen: readonly string[],
  { forwarder, show, input }: Work,
): Promise<number> {
  let allTaken = true;
  for (const event of await findChosen(client, chosen, input.type)) {
    const forwarded = { ...(await forwarder.forward(event)), isReplay: true };
    show(forwarded);
    allTaken &&= forwarded.result.sent && forwarded.result.ok;
  }
  return allTaken ? 0 : 1;
}

/** The oldest first, as they came. */
async function findChosen(
  client: ApiClient,
  chosen: readonly string[],
  type: string | undefined,
): Promise<CanonicalEvent[]> {
  const [first, given = '1', ...more] = chosen;
  if (first !== 'last') {
    const paths = chosen.map((id) => `/v1/events/${encodeURIComponent(id)}`);
    return Promise.all(paths.map((path) => client.get<CanonicalEvent>(path)));
  }
  const count = Number(given);
  if (!Number.isInteger(count) || count < 1 || count > MAX_REPLAYED || more.length > 0) {
    throw new ConfigError(
      `--replay last takes a number from 1 to ${MAX_REPLAYED}, such as "last 3".`,
    );
  }
  const query = new URLSearchParams({ limit: given, ...(type === undefined ? {} : { type }) });
  const { data } = await client.get<{ data: CanonicalEvent[] }>(`/v1/events?${query}`);
  return data.reverse();
}

function render(
  { number, event, result, isReplay }: Forwarded,
  json: boolean,
  { nowMs }: Pick<ListenWorld, 'nowMs'>,
): string {
  const recipient = event.data.recipient ?? null;
  if (json) {
    const shown = { number, event_id: event.id, type: event.type, recipient, replay: isReplay };
    return JSON.stringify({ ...shown, ...resultJson(result) });
  }
  const time = toTimestamp(nowMs()).slice(11, 19);
  const again = isReplay ? ' again' : '';
  const about = recipient === null ? '' : ` ${recipient}`;
  return `${time} #${number} ${event.type}${about} ${event.id}${again} -> ${renderResult(result)}`;
}

function systemWorld(): ListenWorld {
  const abort = new AbortController();
  const quit = (): void => abort.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, quit);
  const { signal } = abort;
  return {
    env: process.env,
    nowMs: () => systemClock.now(),
    // An abort ends the wait as well as time does.
    sleep: (ms) => delay(ms, undefined, { signal }).catch(() => undefined),
    out: (line) => process.stdout.write(`${line}\n`),
    writeError: (text) => process.stderr.write(text),
    signal,
    quit,
    onKeys: process.stdin.isTTY ? listenToKeys : null,
  };
}
