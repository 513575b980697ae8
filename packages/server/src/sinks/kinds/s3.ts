import { z } from 'zod';
import { createAwsClient } from '../aws/aws-client.ts';
import { awsKeyFields } from '../aws/aws-fields.ts';
import { FILE_FORMATS } from '../aws/file-formats.ts';
import {
  bucketField,
  bucketUrl,
  notByEvents,
  objectNameOf,
  pathStyleField,
  prefixField,
} from '../aws/s3-bucket.ts';
import { defineSink, type SinkConnection, type SinkSurroundings } from '../contract.ts';
import { everySecondsField } from '../warehouse/table-fields.ts';

const settings = z.strictObject({
  bucket: bucketField,
  prefix: prefixField,
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
  path_style: pathStyleField,
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
