import type { Ids } from '../../../../core/ids.ts';
import { toTimestamp } from '../../../../lib/clock.ts';
import { messageOf, PosthornError } from '../../../../lib/errors.ts';
import { composeMessage } from '../../../../mail/compose-message.ts';
import type { Caller } from '../../../access/authenticate.ts';
import { checkInput } from '../../../check-input.ts';
import { toPosthornError } from '../../../problem.ts';
import type { KeyedRequest } from '../../../remember-answers.ts';
import { messageBody } from '../../messages/message-schema.ts';
import { toMessageInput } from '../../messages/to-message-input.ts';
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

/** What is under way together is one commit: a thousand, one by one, would take a thousand of them. */
const AT_ONCE = 100;
/** Each is composed for itself, attachments included. */
const BYTES_AT_ONCE = 32 * 1_048_576;

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

  /** The id that it has here. Throws for what is refused. */
  async function accept(caller: Caller, draft: Draft): Promise<string> {
    const { smtpId: _smtpId, keyed, ...body } = draft;
    const { id } = await callRoute<{ id: string }>('POST /v1/messages', { caller, body, keyed });
    return id;
  }

  /** Of one that failed after others were taken, the answer has to tell. */
  async function tryOne(caller: Caller, draft: Draft, index: number): Promise<SendResult> {
    const result = { index, message_id: draft.smtpId };
    return accept(caller, draft).then(
      () => ({ ...result, status: 'sent', reason: '' }),
      (error) => ({ ...result, status: 'failed', reason: toPosthornError(error).message }),
    );
  }

  async function send(request: ForeignRequest) {
    const { caller } = request;
    const [first, ...others] = readDrafts(request);
    if (first === undefined) throw new Error('The schema asks for one personalization.');
    const requestId = await accept(caller, first);
    const results: SendResult[] = [
      { index: 0, message_id: first.smtpId, status: 'sent', reason: '' },
    ];
    const size = JSON.stringify([first['text'], first['html'], first['attachments']]).length;
    const atOnce = Math.max(1, Math.min(AT_ONCE, Math.floor(BYTES_AT_ONCE / size)));
    while (results.length <= others.length) {
      const done = results.length;
      const some = others.slice(done - 1, done - 1 + atOnce);
      results.push(...(await Promise.all(some.map((one, i) => tryOne(caller, one, done + i)))));
    }
    return { requestId, results };
  }

  return [
    {
      methods: ['POST'],
      path: '/send',
      bodyLimit,
      async handle(request) {
        if (isDryRun(request.query['dry-run'])) {
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

/** Who asks for one in another spelling must not have sent mail. Throws `invalid_field`. */
function isDryRun(given: unknown): boolean {
  const said = String(given ?? 'false').toLowerCase();
  if (said === 'false' || said === '0') return false;
  if (said === 'true' || said === '1' || said === '') return true;
  throw new PosthornError('invalid_field', '?dry-run: Write true or false.');
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
