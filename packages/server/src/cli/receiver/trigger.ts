import { randomBytes } from 'node:crypto';
import { type CanonicalEvent, EVENT_TYPES, type EventType } from '@posthorn/sdk';
import { ConfigError } from '../../config.ts';
import { sampleEvent } from '../../core/events/event-samples.ts';
import { createIds } from '../../core/ids.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { systemClock } from '../../lib/clock.ts';
import type { ApiClient } from '../client/api-client.ts';
import type { ClientFlags } from '../client/client-settings.ts';
import { runClientCommand } from '../client/run-client-command.ts';
import { isLoopback, readHttpUrl } from './webhook/command-url.ts';
import { deliverEvent, renderResult, resultJson } from './webhook/deliver.ts';
import { createExchanger } from './webhook/exchange.ts';
import { createWebhookWriter } from './webhook/webhook-writer.ts';

export interface TriggerInput extends ClientFlags {
  type: string;
  /** Straight to a receiver, past any server; goes with `secret`. */
  to?: string;
  secret?: string;
  dialect: string;
  /** Of a server: to this endpoint alone. */
  endpoint?: string;
  /** Instead of the sample's. */
  recipient?: string;
  json: boolean;
}

/** What the command needs of the world, so that a test can give it. */
export interface TriggerWorld {
  env: NodeJS.ProcessEnv;
  nowMs(): number;
  out(line: string): void;
  writeError(text: string): void;
}

const SYSTEM_WORLD: TriggerWorld = {
  env: process.env,
  nowMs: () => systemClock.now(),
  out: (line) => process.stdout.write(`${line}\n`),
  writeError: (text) => process.stderr.write(text),
};

const TIMEOUT_MS = 15_000;

/**
 * `posthorn trigger TYPE`: a believable event of this type, into a server's log, to one of its
 * endpoints, or straight to a URL. Resolves with the exit code: 1 when a receiver did not take it.
 */
export async function triggerEvent(
  input: TriggerInput,
  world: TriggerWorld = SYSTEM_WORLD,
): Promise<number> {
  try {
    const type = readType(input.type);
    if (input.to !== undefined) return await sendStraight(input, type, world);
    if (input.secret !== undefined) throw new ConfigError('--secret goes with --to.');
    return await runClientCommand(input, (client) => putIn(client, input, { type, world }), world);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    world.writeError(`posthorn trigger: ${error.message}\n`);
    return 2;
  }
}

function readType(given: string): EventType {
  const found = EVENT_TYPES.find((one) => one === given || one === `email.${given}`);
  if (found !== undefined) return found;
  const nearest = nearestName(given, [...EVENT_TYPES]);
  const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
  throw new ConfigError(
    `There is no event type "${given}".${hint} Known: ${EVENT_TYPES.join(', ')}.`,
  );
}

async function sendStraight(
  input: TriggerInput,
  type: EventType,
  { nowMs, out }: TriggerWorld,
): Promise<number> {
  const url = readHttpUrl(input.to ?? '', '--to');
  if (input.secret === undefined) {
    throw new ConfigError('--to needs --secret: what the receiver verifies with.');
  }
  if (input.endpoint !== undefined) throw new ConfigError('Give --to or --endpoint, not both.');
  const writer = createWebhookWriter({ dialect: input.dialect, secret: input.secret });
  const exchanger = createExchanger({
    nowMs,
    timeoutMs: TIMEOUT_MS,
    connections: 1,
    trusts: isLoopback,
  });
  try {
    const event = createSample(type, input, nowMs());
    const options = { url, writer, send: exchanger.send, nowMs: nowMs() };
    const result = await deliverEvent(event, options);
    const shown = { event_id: event.id, type, url: url.href, ...resultJson(result) };
    out(input.json ? JSON.stringify(shown) : `${type} ${event.id} -> ${renderResult(result)}`);
    return result.sent && result.ok ? 0 : 1;
  } finally {
    exchanger.close();
  }
}

async function putIn(
  client: ApiClient,
  input: TriggerInput,
  { type, world }: { type: EventType; world: TriggerWorld },
): Promise<number> {
  const { endpoint } = input;
  if (endpoint !== undefined) {
    if (input.recipient !== undefined) {
      throw new ConfigError(
        '--recipient does not go with --endpoint, whose sample the server makes.',
      );
    }
    const path = `/v1/endpoints/${encodeURIComponent(endpoint)}/test`;
    const answer = await client.post<{ event_id: string; delivery_id: string }>(path, { type });
    const { event_id, delivery_id } = answer;
    const shown = { event_id, type, delivery_id };
    world.out(input.json ? JSON.stringify(shown) : `${type} ${event_id} -> ${delivery_id}`);
    return 0;
  }
  const event = createSample(type, input, world.nowMs());
  await client.post('/v1/events', event);
  const shown = { event_id: event.id, type, url: client.url };
  world.out(input.json ? JSON.stringify(shown) : `${type} ${event.id} -> the log of ${client.url}`);
  return 0;
}

function createSample(
  type: EventType,
  { recipient }: Pick<TriggerInput, 'recipient'>,
  nowMs: number,
): CanonicalEvent {
  const id = createIds({ now: () => nowMs, randomBytes }).next('event');
  const sample = sampleEvent(type, { id, atMs: nowMs });
  // Its place among the events of its message is for a log to say.
  const { sequence: _s, state: _t, previous_state: _p, ...data } = sample.data;
  const isAboutSomebody = recipient !== undefined && data.recipient !== undefined;
  return { ...sample, data: { ...data, ...(isAboutSomebody ? { recipient } : {}) } };
}
