import { z } from 'zod';
import { createAwsClient } from '../aws/aws-client.ts';
import { awsEndpoint, awsKeyFields, regionField } from '../aws/aws-fields.ts';
import { resultsByPlace } from '../aws/results-by-place.ts';
import {
  defineSink,
  type SinkConnection,
  type SinkItem,
  type SinkSurroundings,
} from '../contract.ts';
import { orderField, orderKeyOf } from '../sending/order-key.ts';
import { sendEach } from '../sending/send-each.ts';
import { inPiecesOfBytes, sendInTurn } from '../sending/send-splitting.ts';

const settings = z.strictObject({
  stream_name: z
    .string()
    .regex(/^[\w.-]{1,128}$/, 'Write the name of a stream.')
    .describe('Of a data stream.'),
  region: regionField,
  order_by: orderField
    .default('message')
    .describe('What goes into the same shard (the partition key): all of it goes into one alone.'),
  ...awsKeyFields,
});

type Settings = z.output<typeof settings>;

/**
 * A request may have 500 records and 5 MiB. The answer has up to 300 bytes for each of them, and no more
 * than 64 kB of it are read.
 */
const MAX = { items: 200, bytes: 4 * 1_048_576 };

/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html */
export const kinesis = defineSink<Settings>({
  kind: 'kinesis',
  title: 'Amazon Kinesis',
  summary: 'A record in a data stream for each event, as JSON.',
  repeats: 'It stands there twice.',
  settings,
  secrets: ['secret_access_key'],
  batch: MAX.items,
  open: async (config, surroundings) => connect(config, surroundings),
});

function connect(config: Settings, surroundings: SinkSurroundings): SinkConnection {
  const endpoint = config.endpoint ?? awsEndpoint('kinesis', config.region);
  const client = createAwsClient({ ...config, service: 'kinesis', endpoint }, surroundings);
  return {
    send: (items, signal) =>
      sendInTurn(inPiecesOfBytes(items, MAX, sizeOf), (piece) =>
        sendEach(
          piece,
          async (some) => {
            const Records = some.map((item) => ({
              Data: Buffer.from(item.json).toString('base64'),
              PartitionKey: orderKeyOf(item, config.order_by),
            }));
            const input = { StreamName: config.stream_name, Records };
            const answer = await client.call('Kinesis_20131202.PutRecords', input, signal);
            // What can go wrong with one alone passes by: its shard has too much, or trouble inside.
            return resultsByPlace(some.length, answer['Records'], 'unavailable');
          },
          { clock: surroundings.clock, signal },
        ),
      ),
    async close() {},
  };
}

const sizeOf = ({ json }: SinkItem): number => Buffer.byteLength(json) + 32;
