import type { CanonicalEvent } from '@posthorn/sdk';
import { isLiveState } from '../../core/webhooks/delivery-state.ts';
import type { MessageView } from './demo-api.ts';
import type { ReceiverTally } from './sample-receiver.ts';
import { findSandboxAddress } from './sandbox-addresses.ts';

/** What the run came to; the last line of `--json`, apart from the problems. */
export interface DemoReport {
  messages: number;
  /** How many events of each type the log holds. */
  events: Record<string, number>;
  /** In webhooks, not posts: one for each event, however often it was tried. */
  webhooks: { sent: number; verified: number; retried: number };
  /** Events of the log that the receiver never took with a valid signature. */
  missing: number;
  ok: boolean;
  /** Why it is not ok, in sentences. */
  problems: string[];
}

export const FINAL_STATES: ReadonlySet<string> = new Set([
  'delivered',
  'bounced',
  'rejected',
  'failed',
]);

/**
 * Holds what the log says against what the receiver took. The endpoint subscribed to all types
 * before anything was sent, so that every event of the log is owed to it.
 */
export function reconcile(input: {
  sent: readonly { id: string }[];
  messages: readonly MessageView[];
  log: readonly CanonicalEvent[];
  tally: ReceiverTally;
}): DemoReport {
  const { log, tally, messages } = input;
  const missing = log.filter(({ id }) => !tally.verified.has(id));
  const problems = [
    ...input.sent
      .filter(({ id }) => !messages.some((message) => message.id === id))
      .map(({ id }) => `The message ${id} was accepted and is not to be found.`),
    ...messages.flatMap(findUnexpectedStates),
    ...missing.map(({ id, type }) => `The event ${id} (${type}) did not arrive.`),
    ...findChanged(log, tally),
  ];
  if (log.length === 0) problems.push('The log is empty.');
  if (tally.rejected > 0) {
    problems.push(`The receiver refused the signature of ${tally.rejected} posts.`);
  }
  if (tally.retried.size === 0) {
    problems.push('No webhook was tried again, although the receiver failed on purpose.');
  }
  return {
    messages: input.sent.length,
    events: countTypes(log),
    webhooks: {
      sent: log.length,
      verified: log.length - missing.length,
      retried: log.filter(({ id }) => tally.retried.has(id)).length,
    },
    missing: missing.length,
    ok: problems.length === 0,
    problems,
  };
}

/** Whether nothing is left to wait for: not even for an attempt to be put on record. */
export function isSettled(messages: readonly MessageView[], tally: ReceiverTally): boolean {
  return messages.every(
    ({ recipients, timeline }) =>
      recipients.every(({ state }) => FINAL_STATES.has(state ?? '')) &&
      timeline.every(
        ({ event, deliveries }) =>
          tally.verified.has(event.id) && !deliveries.some(({ state }) => isLiveState(state)),
      ),
  );
}

function findUnexpectedStates(message: MessageView): string[] {
  return message.recipients.flatMap(({ address, state }) => {
    const expected = findSandboxAddress(address).refusals === null ? 'bounced' : 'delivered';
    return state === expected
      ? []
      : [`${message.id} is ${state ?? 'unknown'} for ${address}, not ${expected}.`];
  });
}

/** What arrived is compared with the log too: the same event, and none that the log does not know. */
function findChanged(log: readonly CanonicalEvent[], tally: ReceiverTally): string[] {
  const known = new Map(log.map((event) => [event.id, event]));
  return [...tally.verified].flatMap(([id, { type, data, ...arrived }]) => {
    const event = known.get(id);
    if (event === undefined) return [`The event ${id} (${type}) arrived and is not in the log.`];
    const isSame =
      arrived.id === id && event.type === type && event.data.recipient === data.recipient;
    return isSame ? [] : [`The event ${id} arrived as another than the log has.`];
  });
}

function countTypes(log: readonly CanonicalEvent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of log) counts[type] = (counts[type] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => a.localeCompare(b)));
}
