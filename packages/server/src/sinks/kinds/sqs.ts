import { z } from 'zod';
import { createAwsClient } from '../aws/aws-client.ts';
import { awsKeyFields, regionField } from '../aws/aws-fields.ts';
import { batchFaults } from '../aws/batch-faults.ts';
import {
  defineSink,
  type SinkConnection,
  type SinkItem,
  type SinkSurroundings,
} from '../contract.ts';
import { orderField, orderKeyOf } from '../sending/order-key.ts';
import { sendEach } from '../sending/send-each.ts';
import { inPiecesOfBytes, sendInTurn } from '../sending/send-splitting.ts';
import { urlField } from '../setting-fields.ts';

const settings = z.strictObject({
  queue_url: urlField.describe(
    'Of the queue: https://sqs.eu-west-1.amazonaws.com/123456789012/name.',
  ),
  region: regionField,
  order_by: orderField
    .default('message')
    .describe('In a FIFO queue (.fifo): what keeps its order. The more groups, the faster it is.'),
  access_key_id: awsKeyFields.access_key_id,
  secret_access_key: awsKeyFields.secret_access_key,
});

type Settings = z.output<typeof settings>;

/**
 * A request may have so many, and so many bytes. Since 2025 it may be 1 MiB, which not all that speaks
 * the same API takes.
 */
const MAX = { items: 10, bytes: 262_144 };
/** More than the attributes take beside the body. */
const ATTRIBUTE_BYTES = 256;

/**
 * Amazon SQS by its JSON protocol.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
 */
export const sqs = defineSink<Settings>({
  kind: 'sqs',
  title: 'Amazon SQS',
  summary: 'A message in a queue for each event.',
  repeats:
    'It stands there twice; in a FIFO queue once, when it comes again within five minutes (its deduplication id is the id of the event).',
  settings,
  secrets: ['secret_access_key'],
  batch: 100,
  open: async (config, surroundings) => connect(config, surroundings),
});

function connect(config: Settings, surroundings: SinkSurroundings): SinkConnection {
  const endpoint = new URL(config.queue_url).origin;
  const client = createAwsClient({ ...config, service: 'sqs', endpoint }, surroundings);
  const sizeOf = ({ json }: SinkItem) => Buffer.byteLength(json) + ATTRIBUTE_BYTES;
  return {
    send: (items, signal) =>
      sendInTurn(inPiecesOfBytes(items, MAX, sizeOf), (piece) =>
        sendEach(
          piece,
          async (some) => {
            const Entries = some.map((item, i) => entryOf(config, item, String(i)));
            const input = { QueueUrl: config.queue_url, Entries };
            const { Failed } = await client.call('AmazonSQS.SendMessageBatch', input, signal);
            return batchFaults(some.length, Failed);
          },
          { clock: surroundings.clock, signal },
        ),
      ),
    async close() {},
  };
}

function entryOf({ queue_url, order_by }: Settings, item: SinkItem, Id: string): object {
  const { event, json } = item;
  const text = (StringValue: string) => ({ DataType: 'String', StringValue });
  return {
    Id,
    MessageBody: json,
    MessageAttributes: { event_id: text(event.id), event_type: text(event.type) },
    ...(queue_url.endsWith('.fifo')
      ? { MessageGroupId: orderKeyOf(item, order_by), MessageDeduplicationId: event.id }
      : {}),
  };
}
