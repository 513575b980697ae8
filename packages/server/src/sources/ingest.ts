import { createHash } from 'node:crypto';
import { type HandshakeAnswer, type ProviderRequest, WebhookError } from '@posthorn/sdk';
import type { Ids } from '../core/ids.ts';
import type { SourcePayload } from '../core/source.ts';
import { messageOf, PosthornError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { packBytes } from '../lib/pack.ts';
import { checkContent } from './content-policy.ts';
import { digestOf, toKeptRequest, toProviderRequest } from './kept-request.ts';
import type { ProviderFetch } from './provider-fetch.ts';
import { proofsOf } from './provider-of.ts';
import { MAX_REPORTS, type Report, recipientsOf, toReports } from './read-reports.ts';
import { busyError, type Refusal, refusalOf, toRefusalError } from './refusals.ts';
import type { LiveSource } from './source-directory.ts';
import type { SourceRecorder } from './source-recorder.ts';

/**
 * The way of a webhook: is it from the provider, what does it say, store it, answer. It is answered
 * 200 only when it is on disk, with its events and what they owe.
 */
export interface Ingest {
  /**
   * Throws PosthornError: `webhook_refused`, `invalid_webhook`, `unsupported_media_type`, `too_large`,
   * and `store_unavailable` or `rate_limited` for what the provider should send again.
   */
  receive(source: LiveSource, webhook: IncomingWebhook): Promise<WebhookAnswer>;
}

export interface IncomingWebhook {
  method: string;
  /** What the provider sees of us: `https://host`. */
  origin: string;
  /** Path and query, as they were asked for. */
  target: string;
  headers: ProviderRequest['headers'] & {
    'content-type'?: string | undefined;
    'content-encoding'?: string | undefined;
  };
  body: Uint8Array;
}

export interface WebhookAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Stores it in one commit; implemented by the store. */
export interface WebhookStore {
  take(webhook: {
    events: { projectId: string; event: Report['event'] & { id: string }; dedupKey: string }[];
    payload: SourcePayload;
    replay: { key: string; retainUntilMs: number } | null;
  }): Promise<
    | { kind: 'stored'; appended: { duplicateOf: string | null }[] }
    | { kind: 'repeated' }
    | { kind: 'replayed' }
  >;
}

/**
 * Longer than any such signature is taken: Mailomat's counts for 24 hours, and one from a clock that is
 * 24 hours ahead for twice that.
 */
const REPLAY_KEPT_MS = 3 * 86_400_000;
const AGAIN_SECONDS = 5;

export function createIngest(options: {
  store: WebhookStore;
  fetch: ProviderFetch;
  recorder: SourceRecorder;
  /** Throws `rate_limited`. */
  takeEvents(projectId: string, count: number): void;
  /** Null while work is taken; otherwise why not. */
  refuseWork(): PosthornError | null;
  /** For an error that the store has thrown: true when the webhook may be sent again. */
  isStoreTrouble(error: unknown): boolean;
  retentionMs(projectId: string): number;
  ids: Ids;
  now: () => number;
  log: Log;
}): Ingest {
  const { store, fetch, recorder, ids, now, log } = options;

  function refuse(source: LiveSource, refusal: Refusal): never {
    recorder.refused(source, refusal, now());
    throw toRefusalError(source, refusal);
  }

  async function confirm(source: LiveSource, answer: HandshakeAnswer): Promise<void> {
    if (answer.confirmUrl === undefined) return;
    const { id, provider } = source.record;
    try {
      await fetch.confirm(answer.confirmUrl);
      log.info({ source: id, provider }, 'A subscription was confirmed');
    } catch (error) {
      const fields = { source: id, provider, error: messageOf(error) };
      log.warn(fields, 'A subscription could not be confirmed; the provider asks again');
      throw busyError(source, 'The subscription could not be confirmed.', AGAIN_SECONDS, error);
    }
  }

  /** Whether it is from the provider; its replay key where its body is not signed. */
  async function verify(
    source: LiveSource,
    request: ProviderRequest,
    proofs: readonly string[],
  ): Promise<string | null> {
    const { signedUrl } = source.record.settings;
    try {
      const verified = await source.provider.verify(request, {
        secrets: proofs,
        nowMs: now(),
        fetchKey: fetch.key,
        ...(signedUrl === null ? {} : { url: signedUrl }),
      });
      return verified.replayKey;
    } catch (error) {
      if (!(error instanceof WebhookError)) throw error;
      if (error.code === 'key_unavailable') {
        log.warn({ source: source.record.id, error: error.message }, 'A key could not be fetched');
        throw busyError(source, error.message, AGAIN_SECONDS, error);
      }
      return refuse(source, refusalOf(error));
    }
  }

  function read(source: LiveSource, request: ProviderRequest, nowMs: number): Report[] {
    const { record, provider } = source;
    try {
      const decoded = provider.decode(request);
      if (decoded.length <= MAX_REPORTS) return toReports(record, provider, decoded, nowMs);
    } catch (error) {
      if (!(error instanceof WebhookError)) throw error;
      refuse(source, refusalOf(error));
    }
    const detail = `It has more than ${MAX_REPORTS} events. Post fewer at once.`;
    return refuse(source, { code: 'too_large', detail });
  }

  async function keep(
    source: LiveSource,
    reports: readonly Report[],
    payload: SourcePayload,
    replayKey: string | null,
  ): Promise<{ events: number; duplicates: number }> {
    const { projectId } = source.record;
    const retainUntilMs = payload.receivedAtMs + REPLAY_KEPT_MS;
    const taken = await store.take({
      events: reports.map(({ dedupKey, id, event }) => ({
        projectId,
        dedupKey,
        event: { id: id ?? ids.next('event'), ...event },
      })),
      payload,
      replay: replayKey === null ? null : { key: hash(replayKey), retainUntilMs },
    });
    if (taken.kind === 'replayed') {
      const detail = 'Its signature was used before, for something else.';
      return refuse(source, { code: 'replayed', detail });
    }
    if (taken.kind === 'repeated') return { events: 0, duplicates: reports.length };
    const fresh = taken.appended.filter(({ duplicateOf }) => duplicateOf === null);
    return { events: fresh.length, duplicates: reports.length - fresh.length };
  }

  async function take(
    source: LiveSource,
    request: ProviderRequest,
    proofs: readonly string[],
    replayKey: string | null,
  ): Promise<WebhookAnswer> {
    const { projectId, id } = source.record;
    const nowMs = now();
    const kept = toKeptRequest(request, proofs);
    const reports = read(source, toProviderRequest(kept, request.body), nowMs);
    // A probe: there is nothing in it that could be lost.
    if (reports.length === 0) {
      recorder.taken(source, { events: 0, duplicates: 0 }, nowMs);
      return accepted({ events: 0, duplicates: 0 });
    }
    options.takeEvents(projectId, reports.length);
    const payload = {
      projectId,
      id: ids.next('payload'),
      sourceId: id,
      receivedAtMs: nowMs,
      request: kept,
      ...(await packBytes(request.body)),
      digest: digestOf(kept, request.body),
      recipients: recipientsOf(reports),
      decoded: reports.map(({ dedupKey, event }): [string, string] => [dedupKey, event.type]),
      retainUntilMs: nowMs + options.retentionMs(projectId),
    };
    const counted = await keep(source, reports, payload, replayKey);
    recorder.taken(source, counted, nowMs);
    return accepted(counted);
  }

  async function receive(source: LiveSource, webhook: IncomingWebhook): Promise<WebhookAnswer> {
    const { method, origin, target, headers, body } = webhook;
    const { provider, secrets, record } = source;
    const request = { method, url: `${origin}${target}`, headers, body };
    const handshake = provider.handshake?.(request) ?? null;
    if (handshake !== null && !handshake.afterVerify) return toAnswer(handshake);
    const carries = ['POST', ...(provider.methods ?? [])];
    if (!carries.includes(method)) return greeting(method);
    const refusal = options.refuseWork();
    if (refusal !== null) throw refusal;
    const proofs = proofsOf(record, secrets, now());
    const replayKey = await verify(source, request, proofs);
    if (handshake === null) return take(source, request, proofs, replayKey);
    if (handshake.status >= 400) {
      const detail = 'The subscription is to be confirmed elsewhere than with the provider.';
      refuse(source, { code: 'untrusted_subscription', detail });
    }
    await confirm(source, handshake);
    return toAnswer(handshake);
  }

  return {
    async receive(source, webhook) {
      try {
        checkContent(webhook.headers);
        return await receive(source, webhook);
      } catch (error) {
        if (options.isStoreTrouble(error)) {
          recorder.postponed(source);
          throw busyError(source, 'The store takes no work at the moment.', AGAIN_SECONDS, error);
        }
        if (!(error instanceof PosthornError)) throw error;
        if (error.code === 'unsupported_media_type') {
          recorder.refused(source, { code: error.code, detail: error.message }, now());
        }
        if (error.retryAfterSeconds !== null) {
          recorder.postponed(source);
          throw busyError(source, error.message, error.retryAfterSeconds, error);
        }
        throw error;
      }
    },
  };
}

/** Whatever the provider puts there, it is kept as so many bytes. */
function hash(replayKey: string): string {
  return createHash('sha256').update(replayKey).digest('base64url');
}

function toAnswer({ status, headers, body }: HandshakeAnswer): WebhookAnswer {
  return { status, headers: { ...headers }, body };
}

/** Somebody looks whether there is something. 200: Mandrill and others want no other. */
function greeting(method: string): WebhookAnswer {
  return method === 'OPTIONS'
    ? { status: 204, headers: { allow: 'GET, HEAD, OPTIONS, POST' }, body: '' }
    : { status: 200, headers: { 'content-type': 'text/plain' }, body: 'Post webhooks here.\n' };
}

function accepted(counted: { events: number; duplicates: number }): WebhookAnswer {
  const headers = { 'content-type': 'application/json' };
  return { status: 200, headers, body: JSON.stringify(counted) };
}
