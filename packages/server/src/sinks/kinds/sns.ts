import { z } from 'zod';
import { type AwsClient, createAwsClient } from '../aws/aws-client.ts';
import { awsEndpoint, awsKeyFields } from '../aws/aws-fields.ts';
import { xmlValue } from '../aws/aws-trouble.ts';
import { batchFaults } from '../aws/batch-faults.ts';
import {
  defineSink,
  type SinkConnection,
  type SinkItem,
  type SinkSurroundings,
} from '../contract.ts';
import { orderField, orderKeyOf } from '../sending/order-key.ts';
import { type ItemFault, sendEach } from '../sending/send-each.ts';
import { inPiecesOfBytes, sendInTurn } from '../sending/send-splitting.ts';

const TOPIC_ARN = /^arn:aws[a-z-]*:sns:([a-z]{2}(?:-[a-z]+)+-\d):\d{12}:[\w-]{1,256}(\.fifo)?$/;

const settings = z.strictObject({
  topic_arn: z
    .string()
    .regex(TOPIC_ARN, 'Write the ARN of a topic: arn:aws:sns:eu-west-1:123456789012:name.')
    .describe('Its region is where the requests go.'),
  order_by: orderField
    .default('message')
    .describe('In a FIFO topic (.fifo): what keeps its order.'),
  ...awsKeyFields,
});

type Settings = z.output<typeof settings>;

/** A request may have so many, and so many bytes of messages. */
const MAX = { items: 10, bytes: 262_144 };
/** More than the attributes take beside the body. */
const ATTRIBUTE_BYTES = 256;

/**
 * Amazon SNS, which speaks the Query protocol alone: a form goes there, XML comes back.
 * https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
 */
export const sns = defineSink<Settings>({
  kind: 'sns',
  title: 'Amazon SNS',
  summary: 'A message in a topic for each event, with its type as an attribute to filter by.',
  repeats:
    'It is published twice; in a FIFO topic once, when it comes again within five minutes (its deduplication id is the id of the event).',
  settings,
  secrets: ['secret_access_key'],
  batch: 100,
  open: async (config, surroundings) => connect(config, surroundings),
});

function connect(config: Settings, surroundings: SinkSurroundings): SinkConnection {
  const region = TOPIC_ARN.exec(config.topic_arn)?.[1] ?? '';
  const endpoint = config.endpoint ?? awsEndpoint('sns', region);
  const client = createAwsClient({ ...config, region, service: 'sns', endpoint }, surroundings);
  const sizeOf = ({ json }: SinkItem) => Buffer.byteLength(json) + ATTRIBUTE_BYTES;
  return {
    send: (items, signal) =>
      sendInTurn(inPiecesOfBytes(items, MAX, sizeOf), (piece) =>
        sendEach(piece, (some) => publish(client, config, some, signal), {
          clock: surroundings.clock,
          signal,
        }),
      ),
    async close() {},
  };
}

async function publish(
  client: AwsClient,
  config: Settings,
  items: readonly SinkItem[],
  signal: AbortSignal,
): Promise<(ItemFault | null)[]> {
  const form = new URLSearchParams({
    Action: 'PublishBatch',
    Version: '2010-03-31',
    TopicArn: config.topic_arn,
  });
  items.forEach((item, i) => {
    for (const [name, value] of fieldsOf(config, item, i)) {
      form.set(`PublishBatchRequestEntries.member.${i + 1}.${name}`, value);
    }
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const { text } = await client.post(headers, form.toString(), signal);
  return batchFaults(items.length, readFailed(text));
}

function fieldsOf(
  { topic_arn, order_by }: Settings,
  item: SinkItem,
  index: number,
): [name: string, value: string][] {
  const { event, json } = item;
  const attributes = [
    ['event_id', event.id],
    ['event_type', event.type],
  ] as const;
  return [
    ['Id', String(index)],
    ['Message', json],
    ...attributes.flatMap(([name, value], i): [string, string][] => [
      [`MessageAttributes.entry.${i + 1}.Name`, name],
      [`MessageAttributes.entry.${i + 1}.Value.DataType`, 'String'],
      [`MessageAttributes.entry.${i + 1}.Value.StringValue`, value],
    ]),
    ...(topic_arn.endsWith('.fifo')
      ? ([
          ['MessageGroupId', orderKeyOf(item, order_by)],
          ['MessageDeduplicationId', event.id],
        ] as [string, string][])
      : []),
  ];
}

/** The entries under Failed. */
function readFailed(xml: string): object[] {
  const failed = /<Failed>([\s\S]*?)<\/Failed>/.exec(xml)?.[1] ?? '';
  return failed.split('</member>').flatMap((member) => {
    const Id = xmlValue(member, 'Id');
    if (Id === undefined) return [];
    return {
      Id,
      Code: xmlValue(member, 'Code') ?? '',
      Message: xmlValue(member, 'Message'),
      SenderFault: xmlValue(member, 'SenderFault') === 'true',
    };
  });
}
