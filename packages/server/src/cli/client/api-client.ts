import { messageOf } from '../../lib/errors.ts';
import type { ClientSettings } from './client-settings.ts';

/** A server's HTTP API with the key in place. Each answer that is no 2xx is thrown as ApiError. */
export interface ApiClient {
  /** Where it is, without a slash at the end. */
  readonly url: string;
  get<T>(path: string): Promise<T>;
  /** `headers`: an Idempotency-Key, say. */
  post<T>(path: string, body: unknown, headers?: Record<string, string>): Promise<T>;
  patch<T>(path: string, body: unknown): Promise<T>;
  remove(path: string): Promise<void>;
  /** For an answer that takes its time, such as a stream: no time limit but the signal. */
  open(
    path: string,
    options: { signal: AbortSignal; headers?: Record<string, string> },
  ): Promise<Response>;
}

/** What the server answered instead, or why there was no answer: `status` is null then. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number | null;
  /** Of the catalogue in lib/errors.ts. */
  readonly code: string | null;
  constructor(message: string, answer: { status: number; code: string | null } | null = null) {
    super(message);
    this.status = answer?.status ?? null;
    this.code = answer?.code ?? null;
  }
}

const REQUEST_TIMEOUT_MS = 30_000;

/** `from` says in errors who chose the URL. */
export function createApiClient({
  url,
  key,
  from,
}: Pick<ClientSettings, 'url' | 'key'> & { from?: string }): ApiClient {
  async function send(
    method: string,
    path: string,
    options: { signal: AbortSignal; body?: unknown; headers?: Record<string, string> },
  ): Promise<Response> {
    const { signal, body, headers } = options;
    const response = await fetch(url + path, {
      method,
      signal,
      // A key must not be handed to whoever a server points at.
      redirect: 'error',
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      if (signal.aborted && !isTimeout(signal.reason)) throw error;
      throw new ApiError(
        explainSilence(from === undefined ? url : `${url}, which is from ${from},`, error),
      );
    });
    if (!response.ok) throw await toApiError(`${method} ${path}`, response);
    return response;
  }

  async function ask<T>(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<T> {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await send(method, path, { signal, ...options });
    const text = await response.text().catch((error: unknown) => {
      throw new ApiError(explainSilence(url, error));
    });
    try {
      return JSON.parse(text === '' ? 'null' : text) as T;
    } catch {
      const answer = { status: response.status, code: 'not_json' };
      throw new ApiError(
        `${url} answered something else than JSON. Is it a Posthorn server?`,
        answer,
      );
    }
  }

  return {
    url,
    get: (path) => ask('GET', path),
    post: (path, body, headers) =>
      ask('POST', path, { body, ...(headers === undefined ? {} : { headers }) }),
    patch: (path, body) => ask('PATCH', path, { body }),
    remove: (path) => ask('DELETE', path),
    open: (path, options) => send('GET', path, options),
  };
}

const isTimeout = (reason: unknown): boolean =>
  reason instanceof DOMException && reason.name === 'TimeoutError';

/** What to look at, by the code of the failure. */
const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there. Does "posthorn serve" run, and on this port?',
  ENOTFOUND: 'DNS does not know this host. Is the name right?',
  EAI_AGAIN: 'DNS does not answer. Is this machine connected?',
  ECONNRESET:
    'Somebody listens and hung up. Is it http where https was meant, or a proxy in between?',
  ETIMEDOUT: 'Nobody answers at this address. Does a firewall keep it from you?',
  EHOSTUNREACH: 'There is no way to this address from here.',
  ENETUNREACH: 'There is no way to this address from here.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate is for another name. Is the host right?',
  CERT_HAS_EXPIRED: 'The certificate has expired and has to be renewed.',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'The certificate is signed by itself. Name its file in NODE_EXTRA_CA_CERTS to trust it.',
  SELF_SIGNED_CERT_IN_CHAIN:
    'The certificate is of an authority of your own. Name its file in NODE_EXTRA_CA_CERTS to trust it.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'The server leaves out the certificate in between, or its authority is not known here (NODE_EXTRA_CA_CERTS).',
  ERR_SSL_WRONG_VERSION_NUMBER: 'It speaks no TLS there. Is it http instead of https?',
};
const GENERAL_ADVICE = 'Does the server run there? Name another with --url or --profile.';

function explainSilence(server: string, error: unknown): string {
  if (isTimeout(error)) {
    return `${server} did not answer within ${REQUEST_TIMEOUT_MS / 1_000} s. Is it overloaded, or another program?`;
  }
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  // Of a host with several addresses Node throws an error with an empty message; OpenSSL says where in its source.
  const said = messageOf(cause).replace(/^.*?:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):.*$/s, '$1');
  const reason = said.trim() || code || 'failed';
  return `${server} cannot be reached: ${reason}. ${ADVICE[code] ?? GENERAL_ADVICE}`;
}

/** Problems (RFC 9457) say what is wrong in `detail`, and where in `errors`. */
async function toApiError(what: string, response: Response): Promise<ApiError> {
  const { status } = response;
  const text = await response.text().catch(() => '');
  const { code, detail, errors } = readProblem(text);
  const fields = errors.map((one) => `\n  ${one.pointer}: ${one.detail}`).join('');
  const message =
    detail === null
      ? `${what} was answered with ${status}: ${text.slice(0, 200)}`
      : `${detail} (${status}${code === null ? '' : ` ${code}`})${errors.length > 1 ? fields : ''}`;
  return new ApiError(message, { status, code });
}

interface ReadProblem {
  code: string | null;
  detail: string | null;
  errors: { pointer: string; detail: string }[];
}

function readProblem(text: string): ReadProblem {
  try {
    const { code, detail, errors } = JSON.parse(text) as Partial<ReadProblem>;
    return {
      code: typeof code === 'string' ? code : null,
      detail: typeof detail === 'string' ? detail : null,
      errors: Array.isArray(errors) ? errors : [],
    };
  } catch {
    return { code: null, detail: null, errors: [] };
  }
}
