import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { Agent, type Dispatcher, errors } from 'undici';
import type { AddressGuard } from '../../lib/address-guard.ts';
import type { Clock } from '../../lib/clock.ts';
import { refuseHost } from '../endpoint-url.ts';
import type { PostErrorCode } from './post-errors.ts';
import type { PostResult } from './post-result.ts';
import type { PostTarget } from './post-target.ts';

export interface PostClient {
  /** Never rejects: whatever the network does is a result. */
  post(request: PostRequest): Promise<PostResult>;
  /** Drops the connections with TLS material that is no longer used. */
  forget(target: PostTarget): void;
  /** Ends connections; what is under way becomes `aborted`. */
  close(): Promise<void>;
}

export interface PostRequest {
  target: PostTarget;
  /** Name, value, name, value ... */
  headers: string[];
  body: Uint8Array;
  /** One deadline over name look-up, connecting, headers and body. */
  timeoutMs: number;
  /** The time now, which the caller has just read; latency counts from it. */
  startedAtMs: number;
}

type Lookup = typeof systemLookup;

/** More of an answer is of no use to anyone, and a hostile endpoint must not fill our memory. */
export const MAX_RESPONSE_BYTES = 16_384;

/**
 * Connections stay open this long without work. A fresh TLS connection costs 20 to 25 times a kept
 * one; most servers close idle ones after 60 s or more, and say so when they close sooner.
 */
const KEEP_ALIVE_MS = 30_000;

export function createPostClient(options: {
  guard: AddressGuard;
  clock: Clock;
  /** How many connections to one origin at most. */
  connectionsPerOrigin: number;
  lookup?: Lookup;
  /** PEM certificates to trust beside the system's. */
  ca?: string;
}): PostClient {
  const { guard, clock } = options;
  const agent = new Agent({
    connections: options.connectionsPerOrigin,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The deadline below covers these.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: 0,
      lookup: guardedLookup(guard, options.lookup ?? systemLookup),
      ...(options.ca === undefined ? {} : { secureContext: trustAlso(options.ca) }),
    },
  });

  /** What a literal or a name of this machine comes to never changes, and parsing costs 3 us. */
  const judged = new WeakMap<PostTarget, { refusal: string | null }>();
  function judge(target: PostTarget): string | null {
    let verdict = judged.get(target);
    if (verdict === undefined) {
      verdict = { refusal: refuseHost(target.hostname, guard) };
      judged.set(target, verdict);
    }
    return verdict.refusal;
  }

  return {
    post(request) {
      // undici looks names up, but takes an IP literal as it is.
      const refusal = judge(request.target);
      if (refusal !== null) return Promise.resolve(failed('address_not_allowed', refusal, 0));
      return new Promise((resolve) => send(agent, clock, request, resolve));
    },
    // Connections are not yet kept apart by TLS material.
    forget() {},
    async close() {
      await agent.destroy(new AbortedError('The server is stopping.'));
    },
  };
}

/** Made once: to read some 150 certificates anew for each connection takes milliseconds. */
function trustAlso(ca: string): SecureContext {
  return createSecureContext({ ca: [...getCACertificates('default'), ca] });
}

class AbortedError extends Error {}

function send(
  agent: Agent,
  clock: Clock,
  request: PostRequest,
  resolve: (result: PostResult) => void,
): void {
  let controller: Dispatcher.DispatchController | null = null;
  let status: number | null = null;
  let retryAfter: string | null = null;
  let chunks: Buffer[] | null = null;
  let keptBytes = 0;
  let done = false;

  const cancelDeadline = clock.after(request.timeoutMs, () => {
    finish('timeout', `No complete answer within ${request.timeoutMs} ms.`);
    controller?.abort(new AbortedError('The deadline has passed.'));
  });

  function finish(errorCode: PostErrorCode | null, errorDetail: string | null): void {
    if (done) return;
    done = true;
    cancelDeadline();
    const responseExcerpt = chunks === null ? null : excerptOf(chunks);
    const latencyMs = clock.now() - request.startedAtMs;
    resolve({
      status,
      errorCode,
      errorDetail,
      retryAfter,
      responseExcerpt,
      responseHeaders: null,
      timing: null,
      latencyMs,
    });
  }

  function finishByStatus(): void {
    const verdict = judgeStatus(status ?? 0);
    finish(verdict?.code ?? null, verdict?.detail ?? null);
  }

  const { origin, path } = request.target;
  const { headers, body } = request;
  agent.dispatch(
    { origin, path, method: 'POST', headers, body },
    {
      onRequestStart(control) {
        controller = control;
        if (done) control.abort(new AbortedError('The deadline has passed.'));
      },
      onResponseStart(_control, statusCode, responseHeaders) {
        status = statusCode;
        const value = responseHeaders['retry-after'];
        retryAfter = (Array.isArray(value) ? value[0] : value) ?? null;
      },
      onResponseData(control, chunk) {
        chunks ??= [];
        chunks.push(chunk.subarray(0, MAX_RESPONSE_BYTES - keptBytes));
        keptBytes += chunk.length;
        if (keptBytes <= MAX_RESPONSE_BYTES) return;
        finishByStatus();
        control.abort(new AbortedError('The answer is longer than what is kept.'));
      },
      onResponseEnd: finishByStatus,
      onResponseError(_control, error) {
        const { code, detail } = explainError(error);
        finish(code, detail);
      },
    },
  );
}

function judgeStatus(status: number): { code: PostErrorCode; detail: string } | null {
  if (status >= 200 && status < 300) return null;
  if (status === 410) {
    return { code: 'gone', detail: 'The endpoint answered 410 Gone, which asks to be left alone.' };
  }
  if (status >= 300 && status < 400) {
    const detail = `The endpoint answered ${status}. Redirects are not followed: enter the final URL.`;
    return { code: 'redirect', detail };
  }
  return { code: 'http_status', detail: `The endpoint answered ${status}.` };
}

function excerptOf(chunks: Buffer[]): string | null {
  const text = Buffer.concat(chunks).toString('utf8').replaceAll('\u0000', '');
  return text === '' ? null : text;
}

function failed(errorCode: PostErrorCode, errorDetail: string, latencyMs: number): PostResult {
  return {
    status: null,
    errorCode,
    errorDetail,
    retryAfter: null,
    responseExcerpt: null,
    responseHeaders: null,
    timing: null,
    latencyMs,
  };
}

/** Resolves like the system, and drops every address that must not be dialled. */
function guardedLookup(guard: AddressGuard, lookup: Lookup) {
  return (
    hostname: string,
    options: { family?: number | string; all?: boolean },
    callback: (
      error: NodeJS.ErrnoException | null,
      address: string | LookupAddress[],
      family?: number,
    ) => void,
  ): void => {
    lookup(hostname, { all: true, verbatim: true }, (error, found) => {
      if (error !== null) return callback(error, []);
      const allowed = found.filter(({ address }) => guard.refuse(address) === null);
      const [first] = allowed;
      if (first === undefined) {
        const reason = found.map(({ address }) => guard.refuse(address)).join('; ');
        return callback(new AddressNotAllowed(`${hostname}: ${reason}`), []);
      }
      if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

class AddressNotAllowed extends Error {}

const CODES: Record<string, PostErrorCode> = {
  ENOTFOUND: 'dns_not_found',
  ENODATA: 'dns_not_found',
  EAI_AGAIN: 'dns_error',
  EAI_FAIL: 'dns_error',
  ESERVFAIL: 'dns_error',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_closed',
  EHOSTUNREACH: 'host_unreachable',
  ENETUNREACH: 'host_unreachable',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  // A post after close().
  UND_ERR_DESTROYED: 'aborted',
};

function explainError(error: Error): { code: PostErrorCode; detail: string } {
  // Several addresses were tried: the last error stands for all.
  const cause = error instanceof AggregateError ? (error.errors.at(-1) as Error) : error;
  const detail = cause.message;
  if (cause instanceof AddressNotAllowed) return { code: 'address_not_allowed', detail };
  if (cause instanceof AbortedError) return { code: 'aborted', detail };
  // Its code is missing for what is not HTTP at all.
  if (cause instanceof errors.HTTPParserError) return { code: 'invalid_response', detail };
  const name = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const known = CODES[name];
  if (known !== undefined) return { code: known, detail };
  if (name.startsWith('HPE_') || name.startsWith('UND_ERR_'))
    return { code: 'invalid_response', detail };
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME)/.test(name)) {
    return { code: 'tls_error', detail };
  }
  return { code: 'connection_closed', detail };
}
