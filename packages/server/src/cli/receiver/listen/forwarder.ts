import type { CanonicalEvent } from '@posthorn/sdk';
import { type DeliveryResult, deliverEvent } from '../webhook/deliver.ts';
import type { Exchanger } from '../webhook/exchange.ts';
import type { WebhookWriter } from '../webhook/webhook-writer.ts';

/** An event that was handed to the local receiver, by its number on the screen. */
export interface Forwarded {
  number: number;
  event: CanonicalEvent;
  result: DeliveryResult;
  isReplay: boolean;
}

/** Posts one event after the other, and keeps the latest so that they can be sent again. */
export interface Forwarder {
  forward(event: CanonicalEvent): Promise<Forwarded>;
  /** Null when that number is not kept any more, or never was. */
  replay(number: number): Promise<Forwarded | null>;
  /** The number of the latest; 0 when there was none. */
  latest(): number;
}

/** As many as a screen holds and somebody remembers; each has at most 20 kB. */
const KEPT = 200;

export function createForwarder(options: {
  url: URL;
  writer: WebhookWriter;
  send: Exchanger['send'];
  nowMs: () => number;
}): Forwarder {
  const kept = new Map<number, CanonicalEvent>();
  let count = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** In the order of the log, and a replay does not overtake what is under way. */
  function deliver(event: CanonicalEvent, number: number, isReplay: boolean): Promise<Forwarded> {
    const delivered = turn.then(async () => {
      const result = await deliverEvent(event, { ...options, nowMs: options.nowMs() });
      return { number, event, result, isReplay };
    });
    turn = delivered.catch(() => undefined);
    return delivered;
  }

  return {
    forward(event) {
      const number = ++count;
      kept.set(number, event);
      kept.delete(number - KEPT);
      return deliver(event, number, false);
    },
    async replay(number) {
      const event = kept.get(number);
      return event === undefined ? null : deliver(event, number, true);
    },
    latest: () => count,
  };
}
