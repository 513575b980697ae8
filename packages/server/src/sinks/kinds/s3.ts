import { z } from 'zod';
import { createAwsClient } from '../aws/aws-client.ts';
import { awsEndpoint, awsKeyFields } from '../aws/aws-fields.ts';
import { FILE_FORMATS } from '../aws/file-formats.ts';
import {
  defineSink,
  type SinkConnection,
  type SinkItem,
  type SinkSurroundings,
  SinkTrouble,
} from '../contract.ts';
import { batchDigest } from '../warehouse/event-row.ts';
import { everySecondsField } from '../warehouse/table-fields.ts';

const settings = z.strictObject({
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'This is no name of a bucket.')
    .describe('It has to be there.'),
  prefix: z
    .string()
    .regex(
      /^(?:(?!\.{1,2}\/)[\w!.*'()=-]+\/)*$/,
      'Write folders, each with a slash behind it: mail/events/.',
    )
    .max(500)
    .default('posthorn/')
    .describe('What the names begin with.'),
  format: z
    .enum(['ndjson', 'parquet'])
    .default('ndjson')
    .describe('A line of JSON for each event (gzip), or a table (Parquet).'),
  every_seconds: everySecondsField.default(60),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, 'Write a region such as eu-west-1.')
    .describe('Such as eu-west-1; what others than Amazon want here, they say (auto, us-east-1).'),
  ...awsKeyFields,
  path_style: z
    .boolean()
    .default(false)
    .describe('The bucket in the path, not in the name of the host: most servers of your own.'),
});

type Settings = z.output<typeof settings>;

/** Amazon S3 and what speaks its API. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export const s3 = defineSink<Settings>({
  kind: 's3',
  title: 'Amazon S3',
  summary: 'Objects of many events each, as JSON lines or Parquet, in a folder for each hour.',
  repeats:
    'The same batch overwrites its object. After a crash a batch can be another one, and the event stands in two objects.',
  settings,
  secrets: ['secret_access_key'],
  batch: 2_000,
  open: async (config, surroundings) => connect(config, surroundings),
});

function connect(config: Settings, surroundings: SinkSurroundings): SinkConnection {
  const client = createAwsClient(
    { ...config, service: 's3', endpoint: bucketUrl(config) },
    surroundings,
  );
  const { suffix, contentType, write } = FILE_FORMATS[config.format];
  return {
    restMs: config.every_seconds * 1_000,
    async send(items, signal) {
      const body = await write(items);
      const key = `${config.prefix}${objectNameOf(items)}${suffix}`;
      await client.put(key, contentType, body, signal).catch((error: unknown) => {
        throw notByEvents(error);
      });
      return [];
    },
    async close() {},
  };
}

/** With the bucket in it, and a slash at its end. */
function bucketUrl({ endpoint, region, bucket, path_style }: Settings): string {
  const base = new URL(endpoint ?? awsEndpoint('s3', region));
  base.pathname = base.pathname.replace(/\/?$/, path_style ? `/${bucket}/` : '/');
  if (!path_style) base.host = `${bucket}.${base.host}`;
  return base.href;
}

/**
 * By the hour of its first event, then named by the first and the last one, and by all of them: what is
 * sent again takes the place of what may be there already, and nothing else does.
 */
export function objectNameOf(items: readonly SinkItem[]): string {
  const firstAt = new Date(items[0]?.event.timestamp ?? 0).toISOString();
  const [date, hour] = firstAt.split(/[T:]/);
  const span = `${items[0]?.event.id}-${items.at(-1)?.event.id}`;
  return `date=${date}/hour=${hour}/${span}-${batchDigest(items).slice(0, 8)}`;
}

/** Whatever S3 has against a request, it is not what stands in one event: none is put aside for it. */
function notByEvents(error: unknown): unknown {
  if (!(error instanceof SinkTrouble) || error.code !== 'refused') return error;
  return /TooLarge/.test(error.message)
    ? error
    : new SinkTrouble('not_found', error.message, { cause: error });
}
