import { isPermanent, messageOf } from '../errors.ts';
import type { CanonicalEvent } from '../event.ts';
import type { ClaimedEntry } from '../inbox/inbox.ts';
import { parseLosslessJson } from '../lossless-json.ts';
import type { Say } from './log.ts';
import type { ReceiverCounters } from './metrics.ts';
import type { Handler, Handlers, ReceiverSettings } from './settings.ts';

/** Why a handler is to stop when its receiver does: no fault of the event's. */
export class Stopped extends Error {}

export type Failure = { kind: 'retry'; delayMs: number } | { kind: 'dead' };

/** What follows a failed attempt. `random` in [0, 1). */
export function decideFailure(input: {
  error: unknown;
  attempt: number;
  retryDelaysMs: readonly number[];
  random: number;
}): Failure {
  const { error, attempt, retryDelaysMs, random } = input;
  if (error instanceof Stopped) return { kind: 'retry', delayMs: 0 };
  const delayMs = retryDelaysMs[attempt - 1];
  if (isPermanent(error) || delayMs === undefined) return { kind: 'dead' };
  // What failed together should not come back together.
  return { kind: 'retry', delayMs: Math.round(delayMs * (1 + 0.2 * random)) };
}

export function selectHandler(handlers: Handlers, type: string): Handler | undefined {
  const table: Readonly<Record<string, Handler | undefined>> = handlers;
  const family = `${type.split('.', 1)[0]}.*`;
  const name = [type, family, '*'].find((one) => Object.hasOwn(table, one));
  return name === undefined ? undefined : table[name];
}

export interface RunDeps {
  settings: ReceiverSettings;
  counters: ReceiverCounters;
  say: Say;
}

/** Runs the handler of an entry and tells the inbox what became of it. Never rejects. */
export async function runEntry(
  entry: ClaimedEntry,
  controller: AbortController,
  deps: RunDeps,
): Promise<void> {
  const { settings, counters, say } = deps;
  let event: Pick<CanonicalEvent, 'id' | 'type'> = { id: entry.key, type: 'email.unknown' };
  try {
    const parsed = parseLosslessJson(entry.event) as CanonicalEvent;
    event = parsed;
    checkAttempts(entry, settings);
    const handler = selectHandler(settings.handlers, parsed.type);
    if (handler !== undefined) await runHandler(handler, parsed, entry, controller, settings);
    const isOurs = await settings.inbox.finish(settings.name, entry);
    if (!isOurs) return say({ kind: 'lease_lost', level: 'warn', key: entry.key });
    count(entry, handler !== undefined, deps);
  } catch (error) {
    counters.failed += 1;
    await settle(entry, event, error, deps).catch((fault: unknown) =>
      say({
        kind: 'inbox_failed',
        level: 'error',
        action: 'keep what became of a handler',
        message: messageOf(fault),
      }),
    );
  }
}

/** One that ended the process each time it ran must not do so for ever. */
function checkAttempts({ attempt }: ClaimedEntry, { retryDelaysMs }: ReceiverSettings): void {
  if (attempt <= retryDelaysMs.length + 1) return;
  throw new Error(`Attempt ${attempt - 1} came to no end. Did it end the process?`);
}

async function runHandler(
  handler: Handler,
  event: CanonicalEvent,
  entry: ClaimedEntry,
  controller: AbortController,
  { clock, handlerTimeoutMs, retryDelaysMs }: ReceiverSettings,
): Promise<void> {
  const { signal } = controller;
  const timeout = new Error(`The handler took longer than ${handlerTimeoutMs} ms.`);
  const cancel = clock.after(handlerTimeoutMs, () => controller.abort(timeout));
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  const { attempt, key, receivedAtMs } = entry;
  const isLastAttempt = attempt > retryDelaysMs.length;
  const run = async () => handler(event, { attempt, isLastAttempt, key, receivedAtMs, signal });
  try {
    await Promise.race([run(), aborted]);
  } finally {
    cancel();
  }
}

function count({ receivedAtMs }: ClaimedEntry, wasHandled: boolean, deps: RunDeps): void {
  const { counters, settings } = deps;
  if (!wasHandled) {
    counters.ignored += 1;
    return;
  }
  const lagMs = Math.max(0, settings.clock.now() - receivedAtMs);
  counters.handled += 1;
  counters.lagMsSum += lagMs;
  counters.lagMsMax = Math.max(counters.lagMsMax, lagMs);
}

async function settle(
  entry: ClaimedEntry,
  event: Pick<CanonicalEvent, 'id' | 'type'>,
  error: unknown,
  { settings, counters, say }: RunDeps,
): Promise<void> {
  const { name, inbox, clock, retryDelaysMs, deadMs, random } = settings;
  const { attempt, key } = entry;
  const message = storable(messageOf(error));
  const about = { eventId: event.id, eventType: event.type, message };
  const failure = decideFailure({ error, attempt, retryDelaysMs, random: random() });
  if (failure.kind === 'retry') {
    const dueMs = clock.now() + failure.delayMs;
    if (!(await inbox.postpone(name, entry, { dueMs, error: message }))) return lost();
    return say({
      kind: 'handler_failed',
      level: 'warn',
      ...about,
      attempt,
      retryInMs: failure.delayMs,
    });
  }
  if (!(await inbox.bury(name, entry, { retainUntilMs: clock.now() + deadMs, error: message }))) {
    return lost();
  }
  counters.dead += 1;
  say({ kind: 'dead_letter', level: 'error', ...about, key, attempts: attempt });

  function lost(): void {
    say({ kind: 'lease_lost', level: 'warn', key });
  }
}

/** A database takes no NUL and no half characters, and nobody reads more. */
function storable(text: string): string {
  return text.slice(0, 2_000).replaceAll('\u0000', ' ').toWellFormed();
}
