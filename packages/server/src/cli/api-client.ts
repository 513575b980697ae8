import type { Command } from 'commander';
import { ConfigError } from '../config.ts';
import { messageOf } from '../lib/errors.ts';

/** What each command that talks to a server takes, as flags or from the environment. */
export interface ClientFlags {
  url?: string;
  key?: string;
}

/** A server's HTTP API with the key in place. Each answer that is no 2xx is thrown as ApiError. */
export interface ApiClient {
  /** Where it is, without a slash at the end. */
  readonly url: string;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  patch<T>(path: string, body: unknown): Promise<T>;
  remove(path: string): Promise<void>;
  /** For an answer that takes its time, such as a stream: no time limit but the signal. */
  open(
    path: string,
    options: { signal: AbortSignal; headers?: Record<string, string> },
  ): Promise<Response>;
}

/** What the server answered instead, or why there was no answer: `code` is null then. */
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

const DEFAULT_URL = 'http://127.0.0.1:8480';
const REQUEST_TIMEOUT_MS = 30_000;

/** Adds `--url` and `--key` to a command. */
export function addClientOptions(command: Command): Command {
  return command
    .option('--url <url>', `where the server is (default: ${DEFAULT_URL}) [POSTHORN_URL]`)
    .option('--key <key>', 'API key; others on this machine can see flags [POSTHORN_API_KEY]');
}

/** Throws ConfigError when the URL is none, or there is no key. */
export function readClientSettings(
  flags: ClientFlags,
  env: NodeJS.ProcessEnv,
): { url: string; key: string } {
  const url = (flags.url ?? (env['POSTHORN_URL'] || DEFAULT_URL)).replace(/\/+$/, '');
  const key = flags.key ?? env['POSTHORN_API_KEY'] ?? '';
  if (!/^https?:\/\/[^/?#]/.test(url) || !URL.canParse(url)) {
    throw new ConfigError(
      `--url: ${JSON.stringify(url)} is not the URL of a server, such as ${DEFAULT_URL}.`,
    );
  }
  if (key === '') {
    throw new ConfigError('This command needs an API key: set POSTHORN_API_KEY, or give --key.');
  }
  return { url, key };
}

export function createApiClient({ url, key }: { url: string; key: string }): ApiClient {
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
      throw new ApiError(explainSilence(url, error));
    });
    if (!response.ok) throw await toApiError(`${method} ${path}`, response);
    return response;
  }

  async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await send(method, path, { signal, ...(body === undefined ? {} : { body }) });
    const text = await response.text();
    try {
      return JSON.parse(text === '' ? 'null' : text) as T;
    } catch {
      throw new ApiError(`${url} answered something else than JSON. Is it a Posthorn server?`);
    }
  }

  return {
    url,
    get: (path) => ask('GET', path),
    post: (path, body) => ask('POST', path, body),
    patch: (path, body) => ask('PATCH', path, body),
    remove: (path) => ask('DELETE', path),
    open: (path, options) => send('GET', path, options),
  };
}

/**
 * Runs a command that talks to a server. Resolves with its exit code: 2 when flags or variables are
 * wrong, 1 when the server refuses or cannot be reached; both are said on standard error.
 */
export async function runClientCommand(
  flags: ClientFlags,
  work: (client: ApiClient) => Promise<number>,
  world: { env: NodeJS.ProcessEnv; writeError(line: string): void } = {
    env: process.env,
    writeError: (line) => void process.stderr.write(line),
  },
): Promise<number> {
  try {
    return await work(createApiClient(readClientSettings(flags, world.env)));
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof ApiError)) throw error;
    world.writeError(`posthorn: ${error.message}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

const isTimeout = (reason: unknown): boolean =>
  reason instanceof DOMException && reason.name === 'TimeoutError';

function explainSilence(url: string, error: unknown): string {
  if (isTimeout(error)) return `${url} did not answer within ${REQUEST_TIMEOUT_MS / 1_000} s.`;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  // Of a host with several addresses Node throws an error with an empty message.
  const reason =
    messageOf(cause) || (cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed');
  return `${url} cannot be reached: ${reason}. Does the server run there? Name another with --url or POSTHORN_URL.`;
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
