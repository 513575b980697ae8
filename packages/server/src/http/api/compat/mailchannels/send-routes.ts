import type { Ids } from '../../../../core/ids.ts';
import { toTimestamp } from '../../../../lib/clock.ts';
import { messageOf, PosthornError } from '../../../../lib/errors.ts';
import { composeMessage } from '../../../../mail/compose-message.ts';
import { checkInput } from '../../../check-input.ts';
import { toPosthornError } from '../../../problem.ts';
import type { KeyedRequest } from '../../../remember-answers.ts';
import { toMessageInput } from '../../message-routes.ts';
import { messageBody } from '../../message-schema.ts';
import type { CallRoute } from '../call-routes.ts';
import type { ForeignRequest, ForeignRoute } from '../foreign-api.ts';
import { makeMessageId } from '../message-id.ts';
import { sendBody } from './send-schema.ts';
import { type MessageDraft, toMessages } from './to-messages.ts';

interface SendResult {
  index: number;
  message_id: string;
  status: 'sent' | 'failed';
  reason: string;
}

type Draft = MessageDraft & { smtpId: string; keyed: KeyedRequest | null };

/** POST /send, with `dry-run`, and POST /send-async. */
export function createSendRoutes(deps: {
  callRoute: CallRoute;
  ids: Ids;
  now: () => number;
  maxMessageBytes: number;
  /** False where nobody could reach a tracked link: then tracking_settings are passed over. */
  canTrack: boolean;
}): ForeignRoute[] {
  const { callRoute, ids, now, canTrack } = deps;
  // Base64 makes four bytes of three; the rest is room for JSON around it.
  const bodyLimit = Math.ceil(deps.maxMessageBytes * 1.4) + 1_048_576;

  /** All of them are checked before the first is sent. */
  function readDrafts({ body, keyed }: ForeignRequest): Draft[] {
    return toMessages(checkInput(sendBody, body, '/'), canTrack).map((draft, i) => {
      const sender = Reflect.get(Object(draft.from), 'email');
      const part = partOf(keyed, i);
      const smtpId = makeMessageId(ids, String(sender), part) ?? '';
      const given: Record<string, string> = smtpId === '' ? {} : { 'Message-ID': smtpId };
      const message = { ...draft, headers: { ...draft.headers, ...given } };
      try {
        toMessageInput(checkInput(messageBody, message, '/'), 'live');
      } catch (error) {
        throw atPersonalization(i, error);
      }
      return { ...message, smtpId, keyed: part };
    });
  }

  async function send(request: ForeignRequest) {
    const { caller } = request;
    const results: SendResult[] = [];
    let requestId: string | null = null;
    for (const [index, { smtpId, keyed, ...message }] of readDrafts(request).entries()) {
      try {
        const call = { caller, body: message, keyed };
        const { id } = await callRoute<{ id: string }>('POST /v1/messages', call);
        requestId ??= id;
        results.push({ index, message_id: smtpId, status: 'sent', reason: '' });
      } catch (error) {
        const { message: reason } = toPosthornError(error);
        // Of one that failed after others were taken, the answer has to tell.
        if (requestId === null && index === 0) throw error;
        results.push({ index, message_id: smtpId, status: 'failed', reason });
      }
    }
    return { requestId: requestId ?? '', results };
  }

  return [
    {
      methods: ['POST'],
      path: '/send',
      bodyLimit,
      async handle(request) {
        if (request.query['dry-run'] === 'true') {
          const drafts = readDrafts(request);
          const data = await Promise.all(drafts.map((draft) => render(draft, now())));
          return { status: 200, body: { data } };
        }
        const { requestId, results } = await send(request);
        return { status: 202, body: { request_id: requestId, results } };
      },
    },
    {
      methods: ['POST'],
      path: '/send-async',
      bodyLimit,
      async handle(request) {
        const { requestId } = await send(request);
        return { status: 202, body: { request_id: requestId, queued_at: toTimestamp(now()) } };
      },
    },
  ];
}

/** Each of its messages has a key of its own, so that one of which no answer came sends the rest. */
function partOf(keyed: KeyedRequest | null, index: number): KeyedRequest | null {
  return keyed === null ? null : { ...keyed, key: `${keyed.key}#${index}` };
}

async function render(
  { smtpId, keyed: _keyed, ...message }: Draft,
  nowMs: number,
): Promise<string> {
  const input = toMessageInput(checkInput(messageBody, message, '/'), 'live');
  const headers = input.headers.filter(({ name }) => name !== 'Message-ID');
  return (await composeMessage({ ...input, headers }, { smtpId, nowMs })).toString('utf8');
}

function atPersonalization(index: number, error: unknown): unknown {
  if (!(error instanceof PosthornError)) return error;
  return new PosthornError(error.code, `personalizations[${index}]: ${messageOf(error)}`, {
    cause: error,
  });
}
