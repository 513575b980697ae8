import { z } from 'zod';
import { defineSink, type SinkConnection, type SinkSurroundings } from '../contract.ts';
import { checkAnswer } from '../dialing/http-answer.ts';
import { inPieces, sendInTurn, sendOneByOne } from '../sending/send-splitting.ts';
import { headersField, urlField } from '../setting-fields.ts';

const settings = z.strictObject({
  url: urlField.describe('Where each request goes.'),
  method: z.enum(['POST', 'PUT', 'PATCH']).default('POST'),
  headers: headersField.describe(
    'Sent with each request, such as Authorization. Their values are kept sealed and never shown.',
  ),
  batch: z
    .int()
    .min(1)
    .max(1_000)
    .default(1)
    .describe('Events a request: 1 sends each as an object, more send a list.'),
});

type Settings = z.output<typeof settings>;

/** Anything with an HTTP API; a transformation makes the body that it wants. */
export const http = defineSink<Settings>({
  kind: 'http',
  title: 'HTTP',
  summary: 'A request to any API, with a body made by a transformation.',
  repeats: 'The header Idempotency-Key has the id of the first event, and of the last in a list.',
  settings,
  secrets: ['headers'],
  batch: 1_000,
  open: async (config, { http: client }) => connect(config, client),
});

function connect(config: Settings, client: SinkSurroundings['http']): SinkConnection {
  const { url, method } = config;
  return {
    async send(items, signal) {
      const post = async (key: string, body: unknown): Promise<void> => {
        const headers = {
          'content-type': 'application/json',
          'idempotency-key': key,
          ...config.headers,
        };
        const text = JSON.stringify(body);
        checkAnswer(await client.request({ method, url, headers, body: text, signal }));
      };
      if (config.batch === 1) {
        return sendOneByOne(items, ({ event, body }) => post(event.id, body));
      }
      return sendInTurn(inPieces(items, config.batch), async (some) => {
        const ids = [some[0]?.event.id, some.at(-1)?.event.id];
        await post(
          [...new Set(ids)].join('-'),
          some.map(({ body }) => body),
        );
        return [];
      });
    },
    async close() {},
  };
}
