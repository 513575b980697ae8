import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { z } from 'zod';
import { createAwsClient } from '../aws/aws-client.ts';
import { awsEndpoint, awsKeyFields, regionField } from '../aws/aws-fields.ts';
import { createRedshiftData } from '../aws/redshift-data.ts';
import {
  bucketField,
  bucketUrl,
  notByEvents,
  objectNameOf,
  prefixField,
} from '../aws/s3-bucket.ts';
import {
  defineSink,
  type SinkConnection,
  type SinkItem,
  type SinkSurroundings,
} from '../contract.ts';
import { urlField } from '../setting-fields.ts';
import { STATEMENT_MS } from '../warehouse/database-fields.ts';
import {
  loadStatements,
  prepareRedshiftTable,
  toRedshiftLines,
} from '../warehouse/redshift-table.ts';
import { everySecondsField } from '../warehouse/table-fields.ts';

/** Redshift makes small letters of all names. */
const lowerNameField = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,99}$/, 'Write small letters, digits and underscores, no digit first.');

const settings = z
  .strictObject({
    workgroup: z
      .string()
      .regex(/^[a-z0-9-]{3,64}$/, 'Write the name of a workgroup.')
      .optional()
      .describe('Of Redshift Serverless. This or the cluster.'),
    cluster: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,62}$/, 'Write the identifier of a cluster.')
      .optional()
      .describe('Its identifier. This or the workgroup.'),
    database_user: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('Of a cluster; without one, that of the IAM user of the key.'),
    secret_arn: z
      .string()
      .regex(/^arn:aws[\w-]*:secretsmanager:[\w:/+=.@-]{1,500}$/, 'Write the ARN of a secret.')
      .optional()
      .describe('A secret of Secrets Manager with user and password, in place of both.'),
    database: z.string().min(1).max(64).describe('It has to be there.'),
    schema: lowerNameField.default('public').describe('It has to be there.'),
    table: lowerNameField.default('posthorn_events').describe('Made when it is not there.'),
    bucket: bucketField,
    prefix: prefixField,
    iam_role: z
      .string()
      .regex(
        /^(default|arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,200})$/,
        'Write the ARN of a role, or default.',
      )
      .default('default')
      .describe('With which Redshift reads the bucket.'),
    region: regionField,
    every_seconds: everySecondsField.default(60),
    ...awsKeyFields,
    endpoint: urlField.optional().describe("Of the Data API, in place of Amazon's own."),
  })
  .refine(({ workgroup, cluster }) => (workgroup === undefined) !== (cluster === undefined), {
    path: ['workgroup'],
    message: 'Name a workgroup or a cluster.',
  });

type Settings = z.output<typeof settings>;

const compress = promisify(gzip);

/**
 * Amazon Redshift, loaded as Amazon advises: an object in S3, then COPY of a manifest that names it.
 * https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html
 */
export const redshift = defineSink<Settings>({
  kind: 'redshift',
  title: 'Amazon Redshift',
  summary: 'A row in a table for each event, by way of S3.',
  repeats: 'It stands there once.',
  settings,
  secrets: ['secret_access_key'],
  batch: 5_000,
  open: async (config, surroundings) => connect(config, surroundings),
});

function connect(config: Settings, surroundings: SinkSurroundings): SinkConnection {
  const { bucket, prefix, region, iam_role: iamRole } = config;
  const storage = { region, bucket, path_style: false };
  const s3 = createAwsClient(
    { ...config, service: 's3', endpoint: bucketUrl(storage) },
    surroundings,
  );
  const endpoint = config.endpoint ?? awsEndpoint('redshift-data', region);
  const api = createAwsClient({ ...config, service: 'redshift-data', endpoint }, surroundings);
  const data = createRedshiftData(api, placeOf(config), surroundings.clock);
  let isReady = false;

  async function put(key: string, type: string, body: Uint8Array, signal: AbortSignal) {
    await s3.put(key, type, body, signal).catch((error: unknown) => {
      throw notByEvents(error);
    });
  }

  /** Both are overwritten by the same batch. Resolves to where the manifest is. */
  async function store(items: readonly SinkItem[], signal: AbortSignal): Promise<string> {
    const key = `${prefix}${objectNameOf(items)}.ndjson.gz`;
    await put(key, 'application/gzip', await compress(toRedshiftLines(items)), signal);
    const manifest = { entries: [{ url: `s3://${bucket}/${key}`, mandatory: true }] };
    const manifestKey = `${key}.manifest`;
    await put(manifestKey, 'application/json', Buffer.from(JSON.stringify(manifest)), signal);
    return `s3://${bucket}/${manifestKey}`;
  }

  return {
    restMs: config.every_seconds * 1_000,
    async send(items, signal) {
      if (!isReady) await prepareRedshiftTable(data, config, signal);
      isReady = true;
      const manifestUrl = await store(items, signal);
      const from = { manifestUrl, region, iamRole, statementMs: STATEMENT_MS };
      await data.run(loadStatements(config, items, from), signal);
      return [];
    },
    async close() {},
  };
}

function placeOf({ workgroup, cluster, database, database_user, secret_arn }: Settings) {
  return {
    Database: database,
    ...(workgroup === undefined ? {} : { WorkgroupName: workgroup }),
    ...(cluster === undefined ? {} : { ClusterIdentifier: cluster }),
    ...(database_user === undefined ? {} : { DbUser: database_user }),
    ...(secret_arn === undefined ? {} : { SecretArn: secret_arn }),
  };
}
