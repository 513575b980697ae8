import type { Dispatcher } from 'undici';
import type { Clock } from '../../lib/clock.ts';
import { explainError } from './explain-error.ts';
import type { PostRequest } from './post-client.ts';
import type { PostConnection } from './post-connection.ts';
import type { PostErrorCode } from './post-errors.ts';
import { PostFailure } from './post-failure.ts';
import type { PostResult, PostTiming } from './post-result.ts';
import { listHeaders, MAX_RESPONSE_BYTES, responseExcerpt } from './response-excerpt.ts';

type Controller = Dispatcher.DispatchController;
type ResponseStart = NonNullable<Dispatcher.DispatchHandler['onResponseStart']>;

/** A few are usual. Without end they would keep the main thread busy up to the deadline. */
const MAX_INFORMATIONAL = 32;

/** What a post meets that goes out as the other side closes its connection. */
const HANG_UPS: ReadonlySet<PostErrorCode> = new Set(['connection_closed', 'connection_reset']);

/**
 * One post from the call to its result, which comes once and always. It is what undici reports to,
 * one object without closures, since there is one for every post.
 *
 * waiting for a connection -> sendOver -> (the connection opens) -> onRequestStart -> onResponseStart
 * -> onResponseEnd; from each of them onResponseError or the deadline may end it.
 */
export class PendingPost implements Dispatcher.DispatchHandler {
  /** The result is out. */
  done = false;
  readonly #request: PostRequest;
  readonly #clock: Clock;
  readonly #resolve: (result: PostResult) => void;
  readonly #cancelDeadline: () => void;
  /** Held as long as the connection is at work for this post. */
  #connection: PostConnection | null = null;
  #controller: Controller | null = null;
  #sentAtMs: number | null = null;
  #firstByteAtMs: number | null = null;
  #isReused = false;
  #isRepeated = false;
  #informational = 0;
  #status: number | null = null;
  #headers: Parameters<ResponseStart>[2] | null = null;
  #kept: Buffer | null = null;
  #keptBytes = 0;
  #isCut = false;

  /** `inTurns`: runs what is to be done at the deadline, soon; many may have the same. */
  constructor(
    request: PostRequest,
    { clock, inTurns }: { clock: Clock; inTurns: (work: () => void) => void },
    resolve: (result: PostResult) => void,
  ) {
    this.#request = request;
    this.#clock = clock;
    this.#resolve = resolve;
    this.#cancelDeadline = clock.after(request.timeoutMs, () => inTurns(() => this.#expire()));
  }

  sendOver(connection: PostConnection): void {
    this.#connection = connection;
    const { method = 'POST', target, headers, body } = this.#request;
    connection.dispatch({ path: target.path, method, headers, body }, this);
  }

  fail(error: Error): void {
    if (this.done) return;
    const { code, detail } = explainError(error);
    this.#finish(code, detail);
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    this.#sentAtMs = this.#clock.now();
    this.#isReused = this.#connection?.beginPost() ?? false;
  }

  /** Also called for an informational answer (1xx), which is a sign of life as well. */
  onResponseStarted(): void {
    this.#firstByteAtMs ??= this.#clock.now();
  }

  onResponseStart(...[, statusCode, headers]: Parameters<ResponseStart>): void {
    if (statusCode < 200) {
      this.#passOverInformational();
      return;
    }
    this.#status = statusCode;
    this.#headers = headers;
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#keep(chunk);
    if (!this.#isCut) return;
    this.#finishByStatus();
    controller.abort(new PostFailure('aborted', 'The answer is longer than what is kept.'));
  }

  onResponseEnd(): void {
    this.#finishByStatus();
    this.#leave(true);
  }

  onResponseError(_controller: Controller, error: Error): void {
    const connection = this.#connection;
    if (connection !== null && this.#wasHungUpOn(connection, error)) {
      this.#connection = null;
      this.#controller = null;
      this.#sentAtMs = null;
      connection.passOn(this);
      return;
    }
    this.fail(error);
    this.#leave(false);
  }

  /**
   * The other side closed a kept connection as the post was on its way: it tells of an idle time that
   * ran out, and nothing of the endpoint. HTTP clients repeat what may safely come twice over a new
   * connection (RFC 9110, 9.2.2), and by its id an event may. Once: what hangs up on that has failed.
   */
  #wasHungUpOn(connection: PostConnection, error: Error): boolean {
    if (this.done || !connection.isKept) return false;
    if (this.#sentAtMs === null) return true;
    if (!this.#isReused || this.#firstByteAtMs !== null || this.#isRepeated) return false;
    this.#isRepeated = HANG_UPS.has(explainError(error).code);
    return this.#isRepeated;
  }

  #passOverInformational(): void {
    this.#informational += 1;
    if (this.#informational <= MAX_INFORMATIONAL) return;
    this.#finish('invalid_response', 'Informational answers (1xx) came without end.');
    this.#controller?.abort(new PostFailure('aborted', 'The answer does not come.'));
  }

  #expire(): void {
    if (this.done) return;
    const connection = this.#connection;
    const ms = `within ${this.#request.timeoutMs} ms`;
    const stage = this.#sentAtMs === null ? connection?.opening?.stage : 'open';
    if (stage === 'name') this.#finish('dns_error', `The name was not looked up ${ms}.`);
    else if (stage === 'proxy') this.#finish('proxy_error', `The proxy was not reached ${ms}.`);
    else this.#finish('timeout', `No complete answer ${ms}${waitedFor(stage, this.#status)}.`);
    const reason = new PostFailure('aborted', 'The deadline has passed.');
    if (this.#controller !== null) this.#controller.abort(reason);
    else if (connection !== null) {
      this.#leave(false);
      void connection.destroy(reason);
    }
  }

  #leave(isUsable: boolean): void {
    const connection = this.#connection;
    this.#connection = null;
    connection?.endPost(isUsable);
  }

  /** The first bytes, in one piece: thousands of small ones would cost many times their length. */
  #keep(chunk: Buffer): void {
    const room = MAX_RESPONSE_BYTES - this.#keptBytes;
    const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
    this.#isCut = chunk.length > room;
    if (this.#kept === null) {
      this.#kept = part;
    } else {
      if (this.#kept.length < MAX_RESPONSE_BYTES) {
        const first = this.#kept;
        this.#kept = Buffer.allocUnsafeSlow(MAX_RESPONSE_BYTES);
        first.copy(this.#kept);
      }
      part.copy(this.#kept, this.#keptBytes);
    }
    this.#keptBytes += part.length;
  }

  #finishByStatus(): void {
    const status = this.#status ?? 0;
    if (status >= 200 && status < 300) this.#finish(null, null);
    else this.#finish(...judgeStatus(status));
  }

  #finish(errorCode: PostErrorCode | null, errorDetail: string | null): void {
    if (this.done) return;
    this.done = true;
    this.#cancelDeadline();
    const headers = this.#headers;
    this.#resolve({
      status: this.#status,
      errorCode,
      errorDetail,
      retryAfter: first(headers?.['retry-after']),
      responseExcerpt: this.#excerpt(),
      responseHeaders: headers === null ? null : listHeaders(headers),
      timing: this.#timing(),
      latencyMs: this.#clock.now() - this.#request.startedAtMs,
    });
  }

  #excerpt(): string | null {
    if (this.#kept === null) return null;
    const bytes = this.#kept.subarray(0, this.#keptBytes);
    return responseExcerpt(bytes, this.#isCut, first(this.#headers?.['content-type']) ?? '');
  }

  #timing(): PostTiming | null {
    const phases = this.#connection?.opening?.phases;
    if (phases === undefined) return null;
    const sentAtMs = this.#sentAtMs;
    const firstByteAtMs = this.#firstByteAtMs;
    const isNew = !this.#isReused;
    return {
      dnsMs: isNew ? phases.dnsMs : null,
      connectMs: isNew ? phases.connectMs : null,
      tlsMs: isNew ? phases.tlsMs : null,
      firstByteMs: sentAtMs === null || firstByteAtMs === null ? null : firstByteAtMs - sentAtMs,
      remoteAddress: phases.remoteAddress,
      reused: !isNew,
    };
  }
}

function first(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

function waitedFor(stage: string | undefined, status: number | null): string {
  if (stage === undefined) return ': all connections were in use';
  if (stage === 'connect') return ': no connection came about';
  if (stage === 'tls') return ': the TLS handshake did not end';
  return status === null ? '' : `: it began with ${status} and did not end`;
}

function judgeStatus(status: number): [PostErrorCode, string] {
  if (status === 410) {
    return ['gone', 'The endpoint answered 410 Gone, which asks to be left alone.'];
  }
  if (status >= 300 && status < 400) {
    const detail = `The endpoint answered ${status}. Redirects are not followed: enter the final URL.`;
    return ['redirect', detail];
  }
  return ['http_status', `The endpoint answered ${status}.`];
}
