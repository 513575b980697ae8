import { z } from 'zod';
import {
  defineSink,
  type SinkConnection,
  type SinkHttpAnswer,
  type SinkItem,
  type SinkSurroundings,
  SinkTrouble,
} from '../contract.ts';
import { checkAnswer } from '../dialing/http-answer.ts';
import { createOauthToken } from '../dialing/oauth-token.ts';
import { inPieces, sendInTurn, sendOneByOne } from '../sending/send-splitting.ts';
import { fillType, headersField, urlField } from '../setting-fields.ts';

/** What stands in a URL where the id of the event shall be. */
const ID_PLACE = '{id}';

const settings = z
  .strictObject({
    url: urlField.describe(
      'Where each request goes. {id} and {type} stand for those of the event.',
    ),
    method: z.enum(['POST', 'PUT', 'PATCH']).default('POST'),
    headers: headersField.describe(
      'Sent with each request, such as Authorization. Their values are kept sealed and never shown.',
    ),
    batch: z
      .int()
      .min(1)
      .max(1_000)
      .default(1)
      .describe('Events a request: 1 sends each as an object, more send a list.'),
    oauth_token_url: urlField
      .optional()
      .describe('Where an access token is fetched, with OAuth 2.0 client credentials.'),
    oauth_client_id: z.string().min(1).max(1_000).optional().describe('Of the application.'),
    oauth_client_secret: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe('Kept sealed and never shown.'),
  })
  .superRefine((given, context) => {
    const missing = OAUTH.filter((name) => given[name] === undefined);
    for (const name of missing.length === OAUTH.length ? [] : missing) {
      context.addIssue({ code: 'custom', path: [name], message: 'OAuth needs all three fields.' });
    }
    if (
      given.batch > 1 &&
      (given.url.includes(ID_PLACE) || fillType(given.url, '') !== given.url)
    ) {
      const message = 'A list of events has no id or type of its own: leave out batch.';
      context.addIssue({ code: 'custom', path: ['batch'], message });
    }
  });

const OAUTH = ['oauth_token_url', 'oauth_client_id', 'oauth_client_secret'] as const;

type Settings = z.output<typeof settings>;

/** Anything with an HTTP API; a transformation makes the body that it wants. */
export const http = defineSink<Settings>({
  kind: 'http',
  title: 'HTTP',
  summary: 'A request to any API, with a body made by a transformation.',
  repeats: 'The header Idempotency-Key has the id of the first event, and of the last in a list.',
  settings,
  secrets: ['headers', 'oauth_client_secret'],
  batch: 1_000,
  open: async (config, { http: client }) => connect(config, client),
});

interface Request {
  url: string;
  key: string;
  /** JSON. */
  body: string;
}

function connect(config: Settings, client: SinkSurroundings['http']): SinkConnection {
  const post = createPost(config, client);
  return {
    async send(items, signal) {
      if (config.batch === 1) {
        return sendOneByOne(items, async (item) => {
          const url = fillUrl(config.url, item);
          const answer = await post({ url, key: item.event.id, body: item.json }, signal);
          refuseHalfTaken(answer);
        });
      }
      return sendInTurn(inPieces(items, config.batch), async (some) => {
        const ids = [some[0]?.event.id, some.at(-1)?.event.id];
        const key = [...new Set(ids)].join('-');
        await post(
          { url: config.url, key, body: `[${some.map(({ json }) => json).join(',')}]` },
          signal,
        );
        return [];
      });
    },
    async close() {},
  };
}

/** Resolves with an answer that is one of success; throws SinkTrouble. */
function createPost(config: Settings, client: SinkSurroundings['http']) {
  const {
    method,
    oauth_token_url: tokenUrl = '',
    oauth_client_id: clientId,
    oauth_client_secret: clientSecret = '',
  } = config;
  const token =
    clientId === undefined ? null : createOauthToken({ tokenUrl, clientId, clientSecret }, client);

  async function request({ url, key, body }: Request, signal: AbortSignal) {
    const headers = {
      'content-type': 'application/json',
      'idempotency-key': key,
      ...(token === null ? {} : { authorization: await token.header(signal) }),
      ...config.headers,
    };
    return client.request({ method, url, headers, body, signal });
  }

  return async (asked: Request, signal: AbortSignal): Promise<SinkHttpAnswer> => {
    let answer = await request(asked, signal);
    if (answer.status === 401 && token !== null) {
      token.forget();
      answer = await request(asked, signal);
    }
    checkAnswer(answer);
    return answer;
  };
}

function fillUrl(url: string, { event }: SinkItem): string {
  return fillType(url, encodeURIComponent(event.type)).replaceAll(
    ID_PLACE,
    encodeURIComponent(event.id),
  );
}

/** APIs that take several things at once answer 207 (RFC 4918 section 11.1) also when they took none of them. */
function refuseHalfTaken({ status, text }: SinkHttpAnswer): void {
  if (status !== 207 || !/"errors"\s*:\s*\[\s*[^\]\s]/.test(text)) return;
  throw new SinkTrouble('refused', `It answered 207 with errors: ${text.slice(0, 300)}.`);
}
