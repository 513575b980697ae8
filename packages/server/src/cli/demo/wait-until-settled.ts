import { setTimeout as delay } from 'node:timers/promises';
import type { CanonicalEvent } from '@posthorn/sdk';
import type { DemoApi, MessageView } from './demo-api.ts';
import { FINAL_STATES, isSettled } from './reconcile.ts';
import type { SampleReceiver } from './sample-receiver.ts';

const POLL_MS = 200;

/**
 * Asks until every recipient is in a final state, every event of the log has arrived and every
 * attempt is on record, or the bound has passed; returns the last answers either way.
 */
export async function waitUntilSettled(options: {
  api: Pick<DemoApi, 'getMessage' | 'listEvents'>;
  receiver: Pick<SampleReceiver, 'tally'>;
  ids: readonly string[];
  boundMs: number;
  signal: AbortSignal;
  onProgress(text: string): void;
}): Promise<{ messages: MessageView[]; log: CanonicalEvent[] }> {
  const { api, receiver, signal } = options;
  const untilMs = Date.now() + options.boundMs;
  for (;;) {
    const messages = await Promise.all(options.ids.map((id) => api.getMessage(id)));
    const log = await api.listEvents();
    const tally = receiver.tally();
    options.onProgress(describe(messages, log.length, tally.verified.size));
    const isComplete = isSettled(messages, tally) && log.every(({ id }) => tally.verified.has(id));
    if (isComplete || signal.aborted || Date.now() >= untilMs) return { messages, log };
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

function describe(messages: readonly MessageView[], events: number, arrived: number): string {
  const recipients = messages.flatMap((message) => message.recipients);
  const final = recipients.filter(({ state }) => FINAL_STATES.has(state ?? '')).length;
  return `${final} of ${recipients.length} recipients have their answer; ${arrived} of ${events} events have arrived`;
}
