import type { WebhookTarget } from '../receiver/webhook.ts';
import { type FetchHandlerOptions, toFetchHandler } from './fetch.ts';

type RouteHandler = (request: Request) => Promise<Response>;

/** What a `route.ts` of the App Router exports. Every method, so that others than POST get their answer. */
export interface NextRoute {
  GET: RouteHandler;
  HEAD: RouteHandler;
  POST: RouteHandler;
  PUT: RouteHandler;
  PATCH: RouteHandler;
  DELETE: RouteHandler;
  OPTIONS: RouteHandler;
}

/** `export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = toNextRoute(receiver)` */
export function toNextRoute(target: WebhookTarget, options?: FetchHandlerOptions): NextRoute {
  const handle = toFetchHandler(target, options);
  return {
    GET: handle,
    HEAD: handle,
    POST: handle,
    PUT: handle,
    PATCH: handle,
    DELETE: handle,
    OPTIONS: handle,
  };
}
