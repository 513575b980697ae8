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
import { sendEach } from '../sending/send-each.ts';
import { inPiecesOfBytes, sendInTurn } from '../sending/send-splitting.ts';

const settings = z.strictObject({
  event_bus: z
    .string()
    .regex(/^[\w./:-]{1,1600}$/, 'Write the name or the ARN of an event bus.')
    .default('default')
    .describe('Name or ARN of the bus.'),
  source: z
    .string()
    .regex(/^(?!aws\.)[\w./-]{1,256}$/, 'Write a name that does not begin with aws.')
    .default('posthorn')
    .describe('What rules know these events by; their detail-type is the type of the event.'),
  region: regionField,
  ...awsKeyFields,
});

type Settings = z.output<typeof settings>;

/** A request may have so many entries, and has to be smaller than 256 kB. */
const MAX = { items: 10, bytes: 256_000 };

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export const eventbridge = defineSink<Settings>({
  kind: 'eventbridge',
  title: 'Amazon EventBridge',
  summary: 'An event on a bus for each event.',
  repeats: 'It comes twice.',
  settings,
  secrets: ['secret_access_key'],
  batch: 100,
  open: async (config, surroundings) => connect(config, surroundings),
});

function connect(config: Settings, surroundings: SinkSurroundings): SinkConnection {
  const endpoint = config.endpoint ?? awsEndpoint('events', config.region);
  const client = createAwsClient({ ...config, service: 'events', endpoint }, surroundings);
  return {
    send: (items, signal) =>
      sendInTurn(
        inPiecesOfBytes(items, MAX, (item) => sizeOf(config, item)),
        (piece) =>
          sendEach(
            piece,
            async (some) => {
              const input = { Entries: some.map((item) => entryOf(config, item)) };
              const answer = await client.call('AWSEvents.PutEvents', input, signal);
              return resultsByPlace(some.length, answer['Entries'], 'refused');
            },
            { clock: surroundings.clock, signal },
          ),
      ),
    async close() {},
  };
}

function entryOf({ event_bus, source }: Settings, { event, json }: SinkItem): object {
  return {
    EventBusName: event_bus,
    Source: source,
    DetailType: event.type,
    Detail: json,
    // Seconds, as this protocol writes times.
    Time: Date.parse(event.timestamp) / 1_000,
  };
}

/** As the user guide reckons it: the time is 14 bytes. */
function sizeOf({ source }: Settings, { event, json }: SinkItem): number {
  return 14 + source.length + event.type.length + Buffer.byteLength(json);
}
