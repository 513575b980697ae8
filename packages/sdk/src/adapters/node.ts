import type { IncomingMessage, ServerResponse } from 'node:http';
import { WebhookError } from '../errors.ts';
import { bodyTooLarge } from '../receiver/accept.ts';
import type { IncomingWebhook, WebhookTarget } from '../receiver/webhook.ts';

/** What frameworks and platforms add to a request. */
export type NodeRequest = IncomingMessage & {
  /** Express and Connect: with the path that they were mounted at. */
  originalUrl?: string;
  /** Parsed by something before, or the bytes, by `express.raw`. */
  body?: unknown;
  /** Google Cloud Functions, and verify hooks of body parsers. */
  rawBody?: unknown;
};

/** For `createServer` of node:http, http2's compatibility API and all that is made of them. Never rejects. */
export function toNodeHandler(
  target: WebhookTarget,
): (request: NodeRequest, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const webhook = fromNodeRequest(request);
    const { status, headers, body } = await target.handle(webhook);
    // Nobody may be there any more to answer to.
    if (response.destroyed || response.headersSent) return;
    discardRest(request, target.maxBodyBytes);
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}

/** An Express or Connect handler. Mount it before any body parser: `app.all('/webhooks/email', ...)`. */
export const toExpressHandler: typeof toNodeHandler = toNodeHandler;

export function fromNodeRequest(request: NodeRequest): IncomingWebhook {
  return {
    method: request.method ?? 'GET',
    url: request.originalUrl ?? request.url ?? '',
    headers: request.headers,
    readBody: (maxBytes) => readBody(request, maxBytes),
    remoteAddress: request.socket?.remoteAddress ?? null,
  };
}

async function readBody(request: NodeRequest, maxBytes: number): Promise<Uint8Array> {
  const kept = [request.rawBody, request.body].find((one) => one instanceof Uint8Array);
  if (kept instanceof Uint8Array) {
    if (kept.length > maxBytes) throw bodyTooLarge(maxBytes);
    return kept;
  }
  if (request.readableDidRead || request.readableEnded) {
    throw new WebhookError(
      'body_already_read',
      'Something parsed the body before, and signatures are over its bytes. Mount the receiver before express.json() and the like, or use express.raw({type: "*/*"}) for its path.',
    );
  }
  return collect(request, maxBytes);
}

/** By events: leaving a `for await` would destroy the request, and with it the answer. */
function collect(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const onData = (chunk: Uint8Array): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > maxBytes) end(() => reject(bodyTooLarge(maxBytes)));
    };
    const onEnd = (): void => end(() => resolve(Buffer.concat(chunks)));
    const onClose = (cause?: unknown): void =>
      end(() =>
        reject(new WebhookError('body_incomplete', 'The body ended before its time.', { cause })),
      );
    const end = (settle: () => void): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('aborted', onClose);
      settle();
    };
    // The listener for errors stays: one that comes after the answer must not end the process.
    request.on('error', onClose);
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('aborted', onClose);
  });
}

/** Beyond the limit; most of what is too large is a little too large. */
const PATIENCE_BYTES = 1_048_576;

/** A sender that is still writing reads the answer only then; one that goes on for ever is cut off. */
function discardRest(request: NodeRequest, maxBytes: number): void {
  if (request.complete || request.destroyed) return;
  let left = maxBytes + PATIENCE_BYTES;
  request.on('error', () => {});
  request.on('data', (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
  request.resume();
}
