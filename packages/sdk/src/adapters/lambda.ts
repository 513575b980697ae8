import { bodyTooLarge } from '../receiver/accept.ts';
import type { IncomingWebhook, WebhookTarget } from '../receiver/webhook.ts';

/** Of an API Gateway (REST 1.0 and HTTP 2.0), a function URL (2.0) or a load balancer (as 1.0). */
export interface LambdaEvent {
  version?: string;
  body?: string | null;
  isBase64Encoded?: boolean;
  headers?: Record<string, string | undefined> | null;
  /** 2.0 */
  rawPath?: string;
  rawQueryString?: string;
  requestContext?: {
    http?: { method: string; sourceIp?: string };
    identity?: { sourceIp?: string | null };
    /** A load balancer's. */
    elb?: unknown;
  };
  /** 1.0 */
  httpMethod?: string;
  path?: string;
  multiValueHeaders?: Record<string, string[] | undefined> | null;
  queryStringParameters?: Record<string, string | undefined> | null;
  multiValueQueryStringParameters?: Record<string, string[] | undefined> | null;
}

export interface LambdaResult {
  statusCode: number;
  headers?: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
  body: string;
  isBase64Encoded: false;
}

export interface LambdaHandlerOptions {
  /** Awaited before the answer, since nothing runs after it: `() => receiver.drain()` for quick handlers. */
  beforeAnswer?: () => Promise<unknown>;
}

/** An AWS Lambda handler. Events are stored when it answers; see docs/receiving.md for what runs them. */
export function toLambdaHandler(
  target: WebhookTarget,
  { beforeAnswer }: LambdaHandlerOptions = {},
): (event: LambdaEvent) => Promise<LambdaResult> {
  return async (event) => {
    const { status, headers, body } = await target.handle(fromLambdaEvent(event));
    await beforeAnswer?.();
    return {
      statusCode: status,
      // A load balancer that was told to send lists wants lists.
      ...(event.requestContext?.elb !== undefined && event.multiValueHeaders
        ? { multiValueHeaders: mapValues(headers, (value) => [value]) }
        : { headers: { ...headers } }),
      body,
      isBase64Encoded: false,
    };
  };
}

function fromLambdaEvent(event: LambdaEvent): IncomingWebhook {
  const { requestContext, body, isBase64Encoded } = event;
  return {
    method: requestContext?.http?.method ?? event.httpMethod ?? 'POST',
    url: urlOf(event),
    headers: { ...event.headers, ...event.multiValueHeaders },
    remoteAddress: requestContext?.http?.sourceIp ?? requestContext?.identity?.sourceIp ?? null,
    async readBody(maxBytes) {
      const bytes = Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8');
      if (bytes.length > maxBytes) throw bodyTooLarge(maxBytes);
      return bytes;
    },
  };
}

function urlOf(event: LambdaEvent): string {
  const query = event.rawQueryString ?? queryOf(event);
  const path = event.rawPath ?? event.path ?? '/';
  return query === '' ? path : `${path}?${query}`;
}

/** 1.0 gives parameters decoded; a load balancer gives them as they came. */
function queryOf(event: LambdaEvent): string {
  const { multiValueQueryStringParameters: many, queryStringParameters: single } = event;
  const lists = many ?? mapValues(single ?? {}, (value) => [value ?? '']);
  const pairs = Object.entries(lists).flatMap(([name, values]) =>
    (values ?? []).map((value): [string, string] => [name, value]),
  );
  if (event.requestContext?.elb !== undefined) return pairs.map((pair) => pair.join('=')).join('&');
  return new URLSearchParams(pairs).toString();
}

function mapValues<A, B>(
  object: Readonly<Record<string, A>>,
  map: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]));
}
