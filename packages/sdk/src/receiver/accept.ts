import { createHash } from 'node:crypto';
import { dedupKey, toCanonicalEvent } from '../canonical-event.ts';
import { messageOf, WebhookError } from '../errors.ts';
import type { Inbox, InboxEntry, PutOutcome } from '../inbox/inbox.ts';
import type {
  DecodedEvent,
  HandshakeAnswer,
  ProviderRequest,
  VerifyResult,
} from '../providers/provider.ts';
import { headerOf } from '../providers/shared/read/request-body.ts';
import { acknowledge, refuse, toWebhookError } from './answers.ts';
import type { Say } from './log.ts';
import type { ReceiverCounters } from './metrics.ts';
import type { ReceiverSettings } from './settings.ts';
import { type IncomingWebhook, pathOf, type WebhookAnswer } from './webhook.ts';

/**
 * What providers send: JSON of any kind, forms, JSON Lines, and SNS's text/plain. A browser's form of
 * another type, an upload or a page is none of them.
 */
const MEDIA_TYPE =
  /^\s*(application\/([\w.-]+\+)?json|text\/(plain|json)|application\/x-www-form-urlencoded|multipart\/form-data|application\/(x-)?(ndjson|jsonl|jsonlines|json-lines))\s*(;|$)/i;

export interface AcceptDeps {
  settings: ReceiverSettings;
  counters: ReceiverCounters;
  say: Say;
  put: Inbox['put'];
  /** Called when something new was stored. */
  onStored: (fresh: number) => void;
}

/** Answers one request: checks it, stores its events, acknowledges. Never rejects. */
export function createAcceptor(
  deps: AcceptDeps,
): (webhook: IncomingWebhook) => Promise<WebhookAnswer> {
  const { settings, counters } = deps;
  return async (webhook) => {
    counters.requests += 1;
    const seen: Seen = { bodyBytes: null };
    try {
      return await accept(webhook, deps, seen);
    } catch (thrown) {
      const error = toWebhookError(thrown);
      const { answer } = settings.provider;
      const policy = { ...answer, refused: settings.refusedStatus ?? 401 };
      const refusal = refuse(error, policy, ['POST', ...methodsOf(settings)].join(', '));
      report(error, refusal, webhook, seen, deps);
      return refusal;
    }
  };
}

interface Seen {
  bodyBytes: number | null;
}

async function accept(
  webhook: IncomingWebhook,
  deps: AcceptDeps,
  seen: Seen,
): Promise<WebhookAnswer> {
  const { provider, maxBodyBytes } = deps.settings;
  if (webhook.method !== 'POST') {
    const probe = provider.handshake?.(toRequest(webhook, new Uint8Array())) ?? null;
    if (probe !== null && !probe.afterVerify) return toAnswer(probe);
    checkMethod(webhook.method, deps.settings);
  } else checkType(webhook);
  checkLength(webhook, maxBodyBytes);
  const body = await webhook.readBody(maxBodyBytes);
  seen.bodyBytes = body.length;
  const request = toRequest(webhook, body);
  const handshake = provider.handshake?.(request) ?? null;
  if (handshake !== null && !handshake.afterVerify) return toAnswer(handshake);
  const verified = await verify(request, deps.settings);
  if (handshake !== null) return confirm(handshake, deps.settings);
  return store(provider.decode(request), verified, deps);
}

function toRequest({ method, url, headers }: IncomingWebhook, body: Uint8Array): ProviderRequest {
  return { method, url, headers, body };
}

const toAnswer = ({ status, headers, body }: HandshakeAnswer): WebhookAnswer => ({
  status,
  headers,
  body,
});

const methodsOf = ({ provider }: ReceiverSettings): readonly string[] => provider.methods ?? [];

function checkMethod(method: string, settings: ReceiverSettings): void {
  if (methodsOf(settings).includes(method)) return;
  throw new WebhookError('method_not_allowed', `${method} is not for webhooks. POST it.`);
}

function checkType({ headers }: IncomingWebhook): void {
  const type = headerOf({ headers }, 'content-type');
  if (type !== null && !MEDIA_TYPE.test(type)) {
    throw new WebhookError(
      'unsupported_media_type',
      `A body of the type ${type.slice(0, 100)} is not taken. Send JSON.`,
    );
  }
  const encoding = headerOf({ headers }, 'content-encoding');
  if (encoding !== null && !/^identity$/i.test(encoding)) {
    throw new WebhookError(
      'unsupported_media_type',
      `A body that is encoded as ${encoding.slice(0, 100)} is not taken. Send it plain.`,
    );
  }
}

function checkLength({ headers }: IncomingWebhook, maxBytes: number): void {
  const length = headerOf({ headers }, 'content-length') ?? '';
  if (/^\d+$/.test(length) && Number(length) > maxBytes) throw bodyTooLarge(maxBytes);
}

export function bodyTooLarge(maxBytes: number): WebhookError {
  return new WebhookError('body_too_large', `The body has more than ${maxBytes} bytes.`);
}

async function verify(request: ProviderRequest, settings: ReceiverSettings): Promise<VerifyResult> {
  const { provider, clock, fetchKey, url, toleranceMs, allowUnsigned } = settings;
  const secrets = await settings.secrets();
  if (secrets.length === 0) {
    if (allowUnsigned) return { covers: 'none', replayKey: null };
    throw new WebhookError('missing_secret', 'There is no secret to check with.');
  }
  return provider.verify(request, {
    secrets,
    nowMs: clock.now(),
    fetchKey,
    ...(url === undefined ? {} : { url }),
    ...(toleranceMs === undefined ? {} : { toleranceMs }),
  });
}

/** The URL is the provider's: its file has judged it, and redirects are not followed. */
async function confirm(
  handshake: HandshakeAnswer,
  settings: ReceiverSettings,
): Promise<WebhookAnswer> {
  const { confirmUrl } = handshake;
  if (confirmUrl === undefined) return toAnswer(handshake);
  try {
    const signal = AbortSignal.timeout(settings.storeTimeoutMs);
    const response = await settings.fetch(confirmUrl, { redirect: 'error', signal });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    return toAnswer(handshake);
  } catch (cause) {
    throw new WebhookError(
      'confirmation_failed',
      `The subscription could not be confirmed: ${messageOf(cause)}`,
      { cause },
    );
  }
}

async function store(
  events: readonly DecodedEvent[],
  { replayKey }: VerifyResult,
  { settings, counters, put, onStored }: AcceptDeps,
): Promise<WebhookAnswer> {
  const nowMs = settings.clock.now();
  const entries = entriesOf(events, settings, nowMs);
  if (events.length === 0) return acknowledge({ received: 0, duplicate: 0 });
  const digest = hashOf(entries.map(({ key }) => key).sort());
  const outcome = await withinTime(settings, () =>
    put({
      queue: settings.name,
      entries,
      nowMs,
      retainUntilMs: nowMs + settings.dedupMs,
      replay: replayKey === null ? null : { key: hashOf([replayKey]), digest },
    }),
  );
  if (outcome.replayed) {
    throw new WebhookError('replayed', 'This signature came before, with other events.');
  }
  const received = outcome.fresh.length;
  const duplicate = events.length - received;
  counters.received += received;
  counters.duplicate += duplicate;
  if (received > 0) onStored(received);
  return acknowledge({ received, duplicate });
}

/** One for each key; the events of a message by their time, where order counts. */
function entriesOf(
  events: readonly DecodedEvent[],
  settings: ReceiverSettings,
  receivedAtMs: number,
): InboxEntry[] {
  const { provider, source, order } = settings;
  const inOrder = order === 'none' ? events : events.toSorted(byTime);
  const entries = inOrder.map((event): [string, InboxEntry] => {
    const key = dedupKey(event, provider, source);
    const canonical = toCanonicalEvent(event, provider, { source, receivedAtMs });
    const lane = order === 'none' ? null : laneOf(event);
    return [key, { key, lane, event: JSON.stringify(canonical) }];
  });
  return [...new Map(entries).values()];
}

/** Events that do not say when stay where they are, before the others. */
const byTime = (a: DecodedEvent, b: DecodedEvent): number => timeOf(a) - timeOf(b);
const timeOf = ({ timestamp }: DecodedEvent): number =>
  timestamp === null ? 0 : Date.parse(timestamp);

/** A hash, since a provider's ids may be long and hold anything. */
function laneOf({ data: { message } }: DecodedEvent): string | null {
  const id = message?.id ?? message?.provider_id ?? message?.smtp_id ?? null;
  return id === null ? null : hashOf([id]);
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** The provider must not wait for a store that hangs; what it stores after all is a duplicate then. */
async function withinTime(
  { clock, storeTimeoutMs }: ReceiverSettings,
  put: () => Promise<PutOutcome>,
): Promise<PutOutcome> {
  let cancel: (() => void) | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    cancel = clock.after(storeTimeoutMs, () =>
      reject(new Error(`it took longer than ${storeTimeoutMs} ms`)),
    );
  });
  try {
    return await Promise.race([put(), tooLate]);
  } catch (cause) {
    const reason = `The inbox could not store the events: ${messageOf(cause)}`;
    throw new WebhookError('inbox_unavailable', reason, { cause });
  } finally {
    cancel?.();
  }
}

function report(
  { code, message }: WebhookError,
  { status }: WebhookAnswer,
  webhook: IncomingWebhook,
  { bodyBytes }: Seen,
  { counters, say }: AcceptDeps,
): void {
  counters.refused[code] = (counters.refused[code] ?? 0) + 1;
  say({
    kind: 'refused',
    level: status >= 500 || status === 429 ? 'error' : 'warn',
    code,
    message,
    status,
    method: webhook.method,
    path: pathOf(webhook.url),
    remoteAddress: webhook.remoteAddress ?? null,
    bodyBytes,
  });
}
