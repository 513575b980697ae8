import { z } from 'zod';
import type { SinkConnection, SinkHttpAnswer, SinkItem, SinkSurroundings } from '../contract.ts';
import { checkAnswer } from '../dialing/http-answer.ts';
import { sendOneByOne } from '../sending/send-splitting.ts';
import { urlField } from '../setting-fields.ts';
import { type EventText, toEventText } from '../texts.ts';

/** What chats and incident systems have in common: one request an event. */
export interface OneRequest {
  url: string | ((item: SinkItem) => string);
  headers?: Record<string, string>;
  /** What is posted for an event without a transformation; with one, what that has made is posted. */
  bodyOf(text: EventText, item: SinkItem): object;
  /** Around what is posted, whoever has made it. */
  wrap?(body: object, item: SinkItem): object;
  /** In place of `checkAnswer`. */
  check?(answer: SinkHttpAnswer, item: SinkItem): void;
}

export function postOneByOne(
  { http }: Pick<SinkSurroundings, 'http'>,
  one: OneRequest,
): SinkConnection {
  const { check = checkAnswer, wrap = (body) => body } = one;
  const headers = { 'content-type': 'application/json', ...one.headers };
  return {
    send: (items, signal) =>
      sendOneByOne(items, async (item) => {
        const own = item.isMade ? JSON.parse(item.json) : one.bodyOf(toEventText(item.event), item);
        const body = JSON.stringify(wrap(asMessage(own), item));
        const url = typeof one.url === 'string' ? one.url : one.url(item);
        check(await http.request({ method: 'POST', url, headers, body, signal }), item);
      }),
    async close() {},
  };
}

/** A transformation may give a mere text. */
function asMessage(body: unknown): object {
  return typeof body === 'object' && body !== null ? body : { text: String(body) };
}

/** Whoever knows the URL can post there, so it is a secret. */
export const webhookSettings = z.strictObject({
  url: urlField.describe('The URL of the incoming webhook. Kept sealed and never shown.'),
});
