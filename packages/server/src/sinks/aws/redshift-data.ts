import { z } from 'zod';
import type { SinkTroubleCode } from '../../core/sink.ts';
import type { Clock } from '../../lib/clock.ts';
import { SinkTrouble } from '../contract.ts';
import { pause } from '../sending/pause.ts';
import type { AwsClient } from './aws-client.ts';

/** Statements by the Data API: asked for, then looked after until they have ended. */
export interface RedshiftData {
  /** In one transaction. Throws SinkTrouble. */
  run(sqls: readonly string[], signal: AbortSignal): Promise<void>;
  /** The first columns of all rows, as texts; null where there is nothing. */
  query(sql: string, signal: AbortSignal): Promise<(string | null)[][]>;
}

const FIRST_LOOK_MS = 250;
const MAX_LOOK_MS = 2_000;

const started = z.object({ Id: z.string() });
const described = z.object({ Status: z.string(), Error: z.string().optional() });
const rows = z.object({
  Records: z.array(z.array(z.looseObject({ stringValue: z.string().optional() }))).default([]),
});

/**
 * `where`: which cluster or workgroup, which database, and as whom.
 * https://docs.aws.amazon.com/redshift-data/latest/APIReference/Welcome.html
 */
export function createRedshiftData(
  client: Pick<AwsClient, 'call'>,
  where: Readonly<Record<string, string>>,
  clock: Pick<Clock, 'after'>,
): RedshiftData {
  async function call(action: string, input: object, signal: AbortSignal): Promise<unknown> {
    try {
      return await client.call(`RedshiftData.${action}`, input, signal);
    } catch (error) {
      throw notByEvents(error);
    }
  }

  async function finish(answer: unknown, signal: AbortSignal): Promise<string> {
    const { Id } = started.parse(answer);
    for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 2, MAX_LOOK_MS)) {
      const found = described.parse(await call('DescribeStatement', { Id }, signal));
      if (found.Status === 'FINISHED') return Id;
      if (found.Status === 'FAILED' || found.Status === 'ABORTED') {
        const said = found.Error ?? `The statement is ${found.Status}.`;
        throw new SinkTrouble(codeOfStatement(said), `Redshift: ${said.slice(0, 500)}`);
      }
      await pause(waitMs, clock, signal);
    }
  }

  return {
    async run(sqls, signal) {
      await finish(await call('BatchExecuteStatement', { ...where, Sqls: sqls }, signal), signal);
    },
    async query(sql, signal) {
      const Id = await finish(
        await call('ExecuteStatement', { ...where, Sql: sql }, signal),
        signal,
      );
      const { Records } = rows.parse(await call('GetStatementResult', { Id }, signal));
      return Records.map((fields) => fields.map(({ stringValue }) => stringValue ?? null));
    },
  };
}

/** In this order: what it says of rights names tables and files too. */
const CODES: readonly [RegExp, SinkTroubleCode][] = [
  [/permission denied|access ?denied|not authorized|must be owner|authentication/i, 'credentials'],
  [/does not exist|NoSuch|not found/i, 'not_found'],
  [/statement timeout|cancel(l?ed|ing)/i, 'timeout'],
  // What one line of the file has; which one, stands in a table of Redshift's own.
  [/load_error|Load into table/i, 'refused'],
];

/** Of the message of a statement that failed: the Data API has no codes for them. */
function codeOfStatement(said: string): SinkTroubleCode {
  return CODES.find(([pattern]) => pattern.test(said))?.[1] ?? 'unavailable';
}

/** A request that it does not take is a matter of settings, or there are too many statements. */
function notByEvents(error: unknown): unknown {
  if (!(error instanceof SinkTrouble) || error.code !== 'refused') return error;
  const code = /Active\w+Exceeded/.test(error.message) ? 'rate_limited' : 'not_found';
  return new SinkTrouble(code, error.message, { cause: error });
}
