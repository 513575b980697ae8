import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { SinkTroubleCode } from '../../core/sink.ts';
import { signJwt } from '../../lib/secrets/sign-jwt.ts';
import { parseJson } from '../aws/aws-trouble.ts';
import { type SinkHttpAnswer, type SinkSurroundings, SinkTrouble } from '../contract.ts';
import { codeOfStatus, readJson, retryAfterOf } from '../dialing/http-answer.ts';
import { pause } from '../sending/pause.ts';

/** Statements by Snowflake's SQL API. */
export interface SnowflakeClient {
  /** Rows, as texts. `binding` is what the one `?` stands for. Throws SinkTrouble. */
  run(sql: string, binding: string | null, signal: AbortSignal): Promise<(string | null)[][]>;
}

/** Where statements run, and as what; names as SQL without quotes would have them. */
export type SnowflakeContext = Readonly<
  Record<'database' | 'schema' | 'warehouse' | 'role', string | undefined>
>;

/** A token is good for an hour at most. */
const TOKEN_SECONDS = 3_540;
const RENEW_BEFORE_MS = 120_000;
const FIRST_LOOK_MS = 250;
const MAX_LOOK_MS = 2_000;

const running = z.object({ statementHandle: z.string().regex(/^[\w-]{1,100}$/) });
const result = z.object({ data: z.array(z.array(z.string().nullable())).default([]) });
const failure = z.object({
  code: z.string().default(''),
  message: z.string().default(''),
  sqlState: z.string().default(''),
});

/**
 * Asks in the name of a user with a key pair.
 * https://docs.snowflake.com/en/developer-guide/sql-api/authenticating
 */
export function createSnowflakeClient(
  account: { url: string; account: string; user: string; privateKey: string; timeoutMs: number },
  context: SnowflakeContext,
  { http, clock }: Pick<SinkSurroundings, 'http' | 'clock'>,
): SnowflakeClient {
  const key = createPrivateKey(account.privateKey);
  const subject = `${account.account}.${account.user}`.toUpperCase();
  const issuer = `${subject}.${fingerprintOf(key)}`;
  let held: { token: string; renewAtMs: number } | null = null;

  function token(): string {
    const nowMs = clock.now();
    if (held === null || nowMs >= held.renewAtMs) {
      const iat = Math.floor(nowMs / 1_000);
      const claims = { iss: issuer, sub: subject, iat, exp: iat + TOKEN_SECONDS };
      const renewAtMs = nowMs + TOKEN_SECONDS * 1_000 - RENEW_BEFORE_MS;
      held = { token: signJwt(claims, key), renewAtMs };
    }
    return held.token;
  }

  async function ask(
    method: 'GET' | 'POST',
    path: string,
    input: object | null,
    signal: AbortSignal,
  ): Promise<SinkHttpAnswer> {
    const headers = {
      accept: 'application/json',
      authorization: `Bearer ${token()}`,
      'content-type': 'application/json',
      // It refuses who does not say what he is.
      'user-agent': 'posthorn/1.0',
      'x-snowflake-authorization-token-type': 'KEYPAIR_JWT',
    };
    const url = new URL(path, account.url).href;
    const body = input === null ? null : JSON.stringify(input);
    const answer = await http.request({ method, url, headers, body, signal });
    if (answer.status === 200 || answer.status === 202) return answer;
    throw toTrouble(answer);
  }

  return {
    async run(statement, binding, signal) {
      const input = {
        statement,
        // Snowflake ends it itself before it is sent again, s.
        timeout: Math.floor(account.timeoutMs / 1_000),
        ...context,
        ...(binding === null ? {} : { bindings: { 1: { type: 'TEXT', value: binding } } }),
      };
      let answer = await ask('POST', '/api/v2/statements', input, signal);
      for (let waitMs = FIRST_LOOK_MS; answer.status === 202; waitMs *= 2) {
        const { statementHandle } = running.parse(readJson(answer.text));
        await pause(Math.min(waitMs, MAX_LOOK_MS), clock, signal);
        answer = await ask('GET', `/api/v2/statements/${statementHandle}`, null, signal);
      }
      return result.parse(readJson(answer.text)).data;
    },
  };
}

/** How Snowflake names the public half of it. */
function fingerprintOf(key: KeyObject): string {
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return `SHA256:${createHash('sha256').update(der).digest('base64')}`;
}

/** By SQLSTATE, where a statement failed. */
const STATES: readonly [RegExp, SinkTroubleCode][] = [
  [/^42501$|^28/, 'credentials'],
  // An object that does not exist, or may not be seen: Snowflake does not say which.
  [/^02000$|^42S02$|^42602$|^57P03$/, 'not_found'],
  [/^57014$/, 'timeout'],
  [/^22/, 'refused'],
];

function toTrouble(answer: SinkHttpAnswer): SinkTrouble {
  const { status, text } = answer;
  const { code, message, sqlState } = failure
    .catch({ code: '', message: '', sqlState: '' })
    .parse(parseJson(text));
  const said = [`It answered ${status}`, code, message.slice(0, 400)];
  // Of what is wrong with a statement, no event is put aside unless it is said.
  const byStatus = codeOfStatus(status);
  const otherwise = byStatus === 'refused' ? 'unavailable' : byStatus;
  const byState = STATES.find(([pattern]) => pattern.test(sqlState))?.[1];
  const isNoWarehouse = /No active warehouse/i.test(message);
  const kind = isNoWarehouse ? 'not_found' : status === 422 ? byState : undefined;
  return new SinkTrouble(kind ?? otherwise, said.filter((word) => word !== '').join(': '), {
    retryAfterMs: retryAfterOf(answer),
  });
}
