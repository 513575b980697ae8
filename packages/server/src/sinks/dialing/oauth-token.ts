import { z } from 'zod';
import { type SinkHttp, SinkTrouble } from '../contract.ts';
import { checkAnswer } from './http-answer.ts';

/** What a client is known by at an authorization server. */
export interface OauthClient {
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
}

/** An access token of its own for a client, with nobody asked (RFC 6749 section 4.4). */
export interface OauthToken {
  /** The value of `Authorization`. Throws SinkTrouble. */
  header(signal: AbortSignal): Promise<string>;
  /** It was refused, most likely because its time is over: the next one is fetched anew. */
  forget(): void;
}

const tokenAnswer = z.object({ access_token: z.string().regex(/^[\x21-\x7e]+$/) });

export function createOauthToken(
  { tokenUrl, clientId, clientSecret }: OauthClient,
  http: SinkHttp,
): OauthToken {
  let held: string | null = null;
  return {
    async header(signal) {
      held ??= await fetchToken(signal);
      return `Bearer ${held}`;
    },
    forget() {
      held = null;
    },
  };

  // Some servers do not say when a token ends: it is used until it is refused.
  async function fetchToken(signal: AbortSignal): Promise<string> {
    const answer = await http.request({
      method: 'POST',
      url: tokenUrl,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: clientSecret,
      }).toString(),
      signal,
    });
    // An unknown client is refused with 400 as well (RFC 6749 section 5.2).
    if (answer.status === 400) {
      throw new SinkTrouble('credentials', `${tokenUrl}: ${answer.text.slice(0, 300)}`);
    }
    checkAnswer(answer);
    const parsed = tokenAnswer.safeParse(readJson(answer.text));
    if (!parsed.success) {
      throw new SinkTrouble('credentials', `${tokenUrl} answered without an access_token.`);
    }
    return parsed.data.access_token;
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
