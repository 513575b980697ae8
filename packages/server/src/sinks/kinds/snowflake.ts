import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import { defineSink, type SinkConnection, type SinkSurroundings } from '../contract.ts';
import { inPiecesOfBytes, sendInTurn } from '../sending/send-splitting.ts';
import { urlField } from '../setting-fields.ts';
import { createSnowflakeClient } from '../snowflake/snowflake-client.ts';
import { STATEMENT_MS } from '../warehouse/database-fields.ts';
import { sizeOfRow } from '../warehouse/event-row.ts';
import {
  mergeStatement,
  prepareSnowflakeTable,
  toSnowflakeRows,
} from '../warehouse/snowflake-table.ts';
import { everySecondsField, nameField } from '../warehouse/table-fields.ts';

const settings = z.strictObject({
  account: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,200}$/, 'Write the identifier of an account: myorg-myaccount.')
    .describe('Its identifier: myorg-myaccount.'),
  username: z
    .string()
    .regex(/^[\w.@+-]{1,200}$/, 'Write the name of a user.')
    .describe('A user of the type SERVICE.'),
  private_key: z
    .string()
    .max(10_000)
    .refine(isRsaKey, 'Write an RSA key in PEM, without a password: -----BEGIN PRIVATE KEY-----.')
    .describe('Of its key pair, in PEM. Kept sealed and never shown.'),
  database: nameField.describe('It has to be there.'),
  schema: nameField.default('PUBLIC').describe('It has to be there.'),
  table: nameField.default('POSTHORN_EVENTS').describe('Made when it is not there.'),
  warehouse: nameField.optional().describe('That computes; without one, that of the user.'),
  role: nameField.optional().describe('Without one, that of the user.'),
  every_seconds: everySecondsField.default(60),
  endpoint: urlField.optional().describe("In place of Snowflake's own."),
});

type Settings = z.output<typeof settings>;

/** The rows are one text in a statement. */
const MAX = { items: 1_000, bytes: 1_000_000 };

/** https://docs.snowflake.com/en/developer-guide/sql-api/reference */
export const snowflake = defineSink<Settings>({
  kind: 'snowflake',
  title: 'Snowflake',
  summary: 'A row in a table for each event.',
  repeats: 'It stands there once.',
  settings,
  secrets: ['private_key'],
  batch: 5_000,
  open: async (config, surroundings) => connect(config, surroundings),
});

function connect(config: Settings, surroundings: SinkSurroundings): SinkConnection {
  const { account, username: user, private_key: privateKey } = config;
  // Names are those of SQL without quotes.
  const upper = <T extends string | undefined>(name: T) => name?.toUpperCase() as T;
  const place = {
    database: upper(config.database),
    schema: upper(config.schema),
    table: upper(config.table),
  };
  const client = createSnowflakeClient(
    {
      url: config.endpoint ?? `https://${hostNameOf(account)}.snowflakecomputing.com`,
      // The region of an older identifier is no part of its name.
      account: account.replace(/\..*$/, ''),
      user,
      privateKey,
      timeoutMs: STATEMENT_MS,
    },
    {
      database: place.database,
      schema: place.schema,
      warehouse: upper(config.warehouse),
      role: upper(config.role),
    },
    surroundings,
  );
  const merge = mergeStatement(place);
  let isReady = false;
  return {
    restMs: config.every_seconds * 1_000,
    async send(items, signal) {
      if (!isReady) await prepareSnowflakeTable(client, place, signal);
      isReady = true;
      return sendInTurn(inPiecesOfBytes(items, MAX, sizeOfRow), async (piece) => {
        await client.run(merge, toSnowflakeRows(piece), signal);
        return [];
      });
    },
    async close() {},
  };
}

/** An underscore is in no certificate. */
function hostNameOf(account: string): string {
  return account.replaceAll('_', '-').toLowerCase();
}

function isRsaKey(text: string): boolean {
  try {
    return createPrivateKey(text).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}
