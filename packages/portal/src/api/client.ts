import { Problem } from './problem.ts';

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface CallOptions {
  method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  query?: Query;
  body?: unknown;
  /** The version of the object that is changed: If-Match. */
  version?: number;
  signal?: AbortSignal;
  /** The answer is a text and no JSON. */
  asText?: boolean;
  /** The answer is a file: a Blob. */
  asFile?: boolean;
}

/** Who asks: set by the session (session.ts), sent with every call. */
const caller: {
  projectId: string | null;
  csrfToken: string | null;
  /** Of a link (embed/): instead of the cookie. */
  linkToken: string | null;
  expired: () => void;
} = {
  linkToken: null,
  projectId: null,
  csrfToken: null,
  expired: () => {},
};

export function setCaller(next: Partial<typeof caller>): void {
  Object.assign(caller, next);
}

/** By which the server knows who asks. */
function identity(): Record<string, string> {
  const { linkToken, projectId } = caller;
  if (linkToken !== null) return { authorization: `Bearer ${linkToken}` };
  return projectId === null ? {} : { 'x-posthorn-project': projectId };
}

/**
 * Calls the HTTP API with the cookie of the session, or the token of a link. Answers with the parsed body; throws a Problem
 * for everything else.
 */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  const { method = 'GET', body, version, signal } = options;
  const headers: Record<string, string> = { accept: 'application/json', ...identity() };
  if (method !== 'GET' && caller.csrfToken !== null) headers['x-posthorn-csrf'] = caller.csrfToken;
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (version !== undefined) headers['if-match'] = `"${version}"`;
  let answer: Response;
  try {
    answer = await fetch(withQuery(path, options.query), {
      method,
      headers,
      credentials: caller.linkToken === null ? 'same-origin' : 'omit',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem('The server does not answer.', { status: 0, code: 'offline' });
  }
  if (answer.status === 401 && !path.startsWith('/portal/api/session')) caller.expired();
  if (answer.ok && options.asFile === true) return (await answer.blob()) as T;
  const text = await answer.text();
  if (answer.ok && options.asText === true) return text as T;
  if (answer.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
  throw readProblem(answer, text);
}

function readProblem(answer: Response, text: string): Problem {
  const isProblem = answer.headers.get('content-type')?.includes('json') === true;
  const body: unknown = isProblem ? JSON.parse(text) : {};
  const { detail, title, code, errors, request_id } = body as Record<string, unknown>;
  const message = typeof detail === 'string' ? detail : String(title ?? answer.statusText);
  return new Problem(message, {
    status: answer.status,
    code: typeof code === 'string' ? code : `http_${answer.status}`,
    ...(Array.isArray(errors) ? { fields: errors } : {}),
    ...(typeof request_id === 'string' ? { requestId: request_id } : {}),
  });
}

export function withQuery(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  }
  return search.size === 0 ? path : `${path}?${search}`;
}

/** The server-sent events of `path`, until `signal` ends them. Throws a Problem when they cannot begin. */
export async function* stream(
  path: string,
  query: Query,
  signal: AbortSignal,
): AsyncGenerator<{ id: string; event: string; data: string }> {
  const headers = { accept: 'text/event-stream', ...identity() };
  const answer = await fetch(withQuery(path, query), {
    headers,
    signal,
    credentials: caller.linkToken === null ? 'same-origin' : 'omit',
  });
  if (!answer.ok || answer.body === null) throw readProblem(answer, await answer.text());
  let rest = '';
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block
          .split('\n')
          .filter((line) => !line.startsWith(':'))
          .map((line) => [
            line.slice(0, line.indexOf(':')),
            line.slice(line.indexOf(':') + 1).trim(),
          ]),
      );
      const data = fields.get('data');
      if (data === undefined) continue;
      yield { id: fields.get('id') ?? '', event: fields.get('event') ?? 'message', data };
    }
  }
}
