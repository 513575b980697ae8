import { z } from 'zod';
import {
  defineSink,
  type SinkConnection,
  type SinkItem,
  type SinkSurroundings,
} from '../contract.ts';
import { createGoogleClient } from '../google/google-client.ts';
import { readServiceAccount, serviceAccountField } from '../google/service-account.ts';
import { orderField, orderKeyOf } from '../sending/order-key.ts';
import { inPiecesOfBytes, sendInTurn } from '../sending/send-splitting.ts';
import { urlField } from '../setting-fields.ts';

const settings = z
  .strictObject({
    topic: z
      .string()
      .regex(
        /^projects\/[a-z0-9.:-]{1,100}\/topics\/[A-Za-z][\w.~+%-]{2,254}$/,
        'Write it in full: projects/my-project/topics/my-topic.',
      )
      .describe('In full: projects/my-project/topics/my-topic.'),
    service_account: serviceAccountField.optional(),
    order_by: z
      .enum(['none', ...orderField.options])
      .default('none')
      .describe(
        'What has the same ordering key; each request has events of one key alone. A subscription keeps the order when it asks for that.',
      ),
    endpoint: urlField
      .optional()
      .describe('Of a region (https://europe-west1-pubsub.googleapis.com), or of an emulator.'),
  })
  .refine(({ service_account, endpoint }) => (service_account ?? endpoint) !== undefined, {
    path: ['service_account'],
    error: 'Google wants a service account; without one, name the endpoint of an emulator.',
  });

type Settings = z.output<typeof settings>;

/** A request may have so many messages, and 10 MB; base64 makes four bytes of three. */
const MAX = { items: 1_000, bytes: 7_000_000 };
const SCOPE = 'https://www.googleapis.com/auth/pubsub';

/** https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/publish */
export const pubsub = defineSink<Settings>({
  kind: 'pubsub',
  title: 'Google Pub/Sub',
  summary: 'A message in a topic for each event, with its type as an attribute to filter by.',
  repeats: 'It is published twice, with the same attribute event_id.',
  settings,
  secrets: ['service_account'],
  batch: 500,
  open: async (config, surroundings) => connect(config, surroundings),
});

function connect(config: Settings, surroundings: SinkSurroundings): SinkConnection {
  const { topic, service_account, endpoint = 'https://pubsub.googleapis.com', order_by } = config;
  const account = service_account === undefined ? null : readServiceAccount(service_account);
  const client = createGoogleClient(account, SCOPE, surroundings);
  const url = new URL(`/v1/${topic}:publish`, endpoint).href;
  const keyOf = (item: SinkItem) => (order_by === 'none' ? '' : orderKeyOf(item, order_by));
  return {
    async send(items, signal) {
      const pieces = runsOf(items, keyOf).flatMap((run) => inPiecesOfBytes(run, MAX, sizeOf));
      return sendInTurn(pieces, async (piece) => {
        const messages = piece.map((item) => messageOf(item, keyOf(item)));
        await client.call('POST', url, { messages }, signal);
        return [];
      });
    },
    async close() {},
  };
}

/** Neighbours with the same key together. */
function runsOf(items: readonly SinkItem[], keyOf: (item: SinkItem) => string): SinkItem[][] {
  const runs: { key: string; run: SinkItem[] }[] = [];
  for (const item of items) {
    const key = keyOf(item);
    const last = runs.at(-1);
    if (last?.key === key) last.run.push(item);
    else runs.push({ key, run: [item] });
  }
  return runs.map(({ run }) => run);
}

function messageOf({ event, json }: SinkItem, orderingKey: string): object {
  return {
    data: Buffer.from(json).toString('base64'),
    attributes: { event_id: event.id, event_type: event.type },
    ...(orderingKey === '' ? {} : { orderingKey }),
  };
}

const sizeOf = ({ json }: SinkItem): number => Buffer.byteLength(json) + 256;
