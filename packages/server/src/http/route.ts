import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { KeyMode } from '../core/key-mode.ts';
import type { Scope } from '../core/scopes.ts';
import type { Statement } from '../store/engine.ts';
import type { IfMatch } from './entity-tag.ts';

/** What a handler gets: everything already checked against the route's schemas. */
export interface RouteRequest<P = unknown, Q = unknown, B = unknown> {
  /** The empty string on routes without authentication. */
  projectId: string;
  /** The id of the key, or of the person, that asks; the empty string on routes without authentication. */
  callerId: string;
  /** What the caller's key may do. */
  scopes: readonly Scope[];
  /** What becomes of the messages that the caller sends. */
  keyMode: KeyMode;
  params: P;
  query: Q;
  body: B;
  /** The versions that `If-Match` names, where the route is `versioned`; null without one. */
  ifMatch: IfMatch;
  client: RouteClient;
  /** On `raw` routes: the request as it came; null elsewhere. */
  raw: RawRequest | null;
  /** Statements that remember the answer under the request's Idempotency-Key; none without one. */
  remember(answer: RouteAnswer): Statement[];
}

/** A request byte by byte, for who has to check a signature over it. */
export interface RawRequest {
  method: string;
  /** Path and query, as they were asked for. */
  target: string;
  /** `Host`, or what a proxy in front of us was asked for. */
  host: string;
  protocol: 'http' | 'https';
  headers: IncomingHttpHeaders;
  /** Whose request it is, as far as it can be known; null once he has gone. */
  clientAddress: string | null;
  body: Uint8Array;
}

/** The connection that a request came on, for answers that take their time. */
export interface RouteClient {
  /** Aborted as soon as the client has gone. */
  gone(): AbortSignal;
  /** Ends the connection. */
  drop(): void;
  /** Whether its key would still be let in. */
  isLetIn(): Promise<boolean>;
  /** What it has seen last, as an EventSource says when it comes again; null without that. */
  lastEventId: string | null;
}

export interface RouteAnswer {
  status: number;
  /** An object is sent as JSON, a string or bytes as they are, a generator's texts one after the other. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface RouteResponse {
  description: string;
  schema?: z.ZodType;
  contentType?: string;
}

export interface RouteSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'OPTIONS';
  /** With `{name}` for parameters, as in OpenAPI. */
  path: string;
  /** The scope that the key needs; `none`: for everyone who reaches the port. */
  auth: Scope | 'none';
  group:
    | 'Messages'
    | 'Events'
    | 'Endpoints'
    | 'Sources'
    | 'Deliveries'
    | 'Domains'
    | 'Sinks'
    | 'Suppressions'
    | 'Tracking'
    | 'Inbound'
    | 'Stats'
    | 'Alerts'
    | 'Jobs'
    | 'Keys'
    | 'Projects'
    | 'System';
  summary: string;
  description?: string;
  params?: P;
  query?: Q;
  body?: B;
  /** Larger bodies are refused with 413, bytes. */
  bodyLimit?: number;
  /**
   * The body comes as bytes, whatever its type is said to be, and no Idempotency-Key counts. `admit` is
   * asked before the body is read, and throws for who may not come in.
   */
  raw?: { admit(params: unknown): void };
  /** Its answers have the body's `version` as their ETag; a change takes `If-Match`. */
  versioned?: boolean;
  responses: Record<number, RouteResponse>;
  handle(request: RouteRequest<z.output<P>, z.output<Q>, z.output<B>>): Promise<RouteAnswer>;
  /** Makes the first answer out of the one that was kept, where that was not all known yet. */
  replay?(
    request: RouteRequest<z.output<P>, z.output<Q>, z.output<B>>,
    kept: RouteAnswer,
  ): Promise<RouteAnswer>;
}

/** A row of the route table: server, OpenAPI and documentation are derived from it. */
export type Route = Omit<RouteSpec<z.ZodType, z.ZodType, z.ZodType>, 'handle' | 'replay'> & {
  handle(request: RouteRequest): Promise<RouteAnswer>;
  replay?(request: RouteRequest, kept: RouteAnswer): Promise<RouteAnswer>;
};

/** Ties a handler's types to its schemas; at run time the request has passed them. */
export function defineRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  spec: RouteSpec<P, Q, B>,
): Route {
  type Checked = RouteRequest<z.output<P>, z.output<Q>, z.output<B>>;
  const { handle, replay, ...rest } = spec;
  return {
    ...rest,
    handle: (request) => handle(request as Checked),
    ...(replay === undefined
      ? {}
      : { replay: (request, kept) => replay(request as Checked, kept) }),
  };
}
