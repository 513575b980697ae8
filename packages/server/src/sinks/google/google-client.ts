import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import { signJwt } from '../../lib/secrets/sign-jwt.ts';
import { type SinkSurroundings, SinkTrouble } from '../contract.ts';
import { readJson } from '../dialing/http-answer.ts';
import { checkGoogleAnswer } from './google-trouble.ts';
import type { ServiceAccount } from './service-account.ts';

/** A token is good for an hour; another one is asked for so long before its end, ms. */
const RENEW_BEFORE_MS = 120_000;
const TOKEN_SECONDS = 3_600;

const tokenAnswer = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive(),
});

export interface GoogleClient {
  /** JSON both ways. Throws SinkTrouble unless it is answered with success. */
  call(
    method: 'GET' | 'POST' | 'PATCH',
    url: string,
    input: unknown,
    signal: AbortSignal,
  ): Promise<unknown>;
}

/**
 * Asks Google's APIs in the name of a service account: a signed assertion is exchanged for an access
 * token (RFC 7523), which is kept until it is about to end. Without an account, as emulators want it,
 * nothing is said of who asks.
 */
export function createGoogleClient(
  account: ServiceAccount | null,
  scope: string,
  { http, clock }: Pick<SinkSurroundings, 'http' | 'clock'>,
): GoogleClient {
  let held: { token: string; renewAtMs: number } | null = null;

  async function fetchToken(from: ServiceAccount, signal: AbortSignal): Promise<string> {
    const nowMs = clock.now();
    const iat = Math.floor(nowMs / 1_000);
    const { client_email: iss, token_uri: aud, private_key, private_key_id } = from;
    const claims = { iss, scope, aud, iat, exp: iat + TOKEN_SECONDS };
    const assertion = signJwt(claims, createPrivateKey(private_key), private_key_id);
    const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
    const answer = await http.request({
      method: 'POST',
      url: aud,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: grant, assertion }).toString(),
      signal,
    });
    // It refuses an account that is gone, or a key, with 400 (RFC 6749 section 5.2).
    if (answer.status === 400) throw new SinkTrouble('credentials', `Google: ${answer.text}`);
    checkGoogleAnswer(answer);
    const { access_token: token, expires_in } = tokenAnswer.parse(readJson(answer.text));
    held = { token, renewAtMs: nowMs + expires_in * 1_000 - RENEW_BEFORE_MS };
    return token;
  }

  async function authorization(signal: AbortSignal): Promise<Record<string, string>> {
    if (account === null) return {};
    const isFresh = held !== null && clock.now() < held.renewAtMs;
    const token = isFresh && held !== null ? held.token : await fetchToken(account, signal);
    return { authorization: `Bearer ${token}` };
  }

  return {
    async call(method, url, input, signal) {
      const headers = { 'content-type': 'application/json', ...(await authorization(signal)) };
      const body = input === null ? null : JSON.stringify(input);
      const answer = await http.request({ method, url, headers, body, signal });
      checkGoogleAnswer(answer);
      return readJson(answer.text);
    },
  };
}
