import type { Caller } from '../../access/authenticate.ts';
import { requireScope } from '../../access/authenticate.ts';
import { checkInput } from '../../check-input.ts';
import { type AnswerMemory, answerOnce, type KeyedRequest } from '../../remember-answers.ts';
import type { Route, RouteAnswer, RouteClient, RouteRequest } from '../../route.ts';

export interface RouteCall {
  caller: Caller;
  params?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  /** Its answer is remembered under this, or given again. */
  keyed?: KeyedRequest | null;
}

/**
 * Asks a route of ours as a request would, named `POST /v1/messages`. Resolves with the answer's body.
 * Throws PosthornError for whatever the route refuses, the key's scope included.
 */
export type CallRoute = <T = unknown>(name: string, call: RouteCall) => Promise<T>;

/** Nobody waits on these connections: answers that go on for long are not asked for. */
const NO_CLIENT: RouteClient = {
  gone: () => AbortSignal.timeout(0),
  drop() {},
  isLetIn: async () => true,
  lastEventId: null,
};

export function createRouteCaller(routes: readonly Route[], memory: AnswerMemory): CallRoute {
  const byName = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  return async <T>(name: string, call: RouteCall): Promise<T> => {
    const { caller, params, query, body, keyed = null } = call;
    const route = byName.get(name);
    if (route === undefined) throw new Error(`There is no route ${name}.`);
    if (route.auth !== 'none') requireScope(caller, route.auth);
    const input = {
      projectId: caller.projectId,
      callerId: caller.keyId,
      scopes: caller.scopes,
      keyMode: caller.keyMode,
      params: route.params && checkInput(route.params, params, '{}'),
      query: route.query && checkInput(route.query, query, '?'),
      body: route.body && checkInput(route.body, body ?? {}, '/'),
      ifMatch: null,
      client: NO_CLIENT,
      raw: null,
    };
    const handle = (remember: RouteRequest['remember']): Promise<RouteAnswer> =>
      route.handle({ ...input, remember });
    const answer =
      keyed === null ? await handle(() => []) : await answerOnce(memory, keyed, handle);
    return answer.body as T;
  };
}

interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/** The rows of a list, page by page, until there are no more or nobody takes them. */
export async function* readPages<T>(
  callRoute: CallRoute,
  name: string,
  call: RouteCall,
): AsyncGenerator<T> {
  let cursor: string | null = null;
  do {
    const query: Record<string, string> = { limit: '100', ...call.query };
    if (cursor !== null) query['cursor'] = cursor;
    const page: Page<T> = await callRoute<Page<T>>(name, { ...call, query });
    yield* page.data;
    cursor = page.next_cursor;
  } while (cursor !== null);
}
