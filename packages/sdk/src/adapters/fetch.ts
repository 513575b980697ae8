import { WebhookError } from '../errors.ts';
import { bodyTooLarge } from '../receiver/accept.ts';
import type { IncomingWebhook, WebhookTarget } from '../receiver/webhook.ts';

export interface FetchHandlerOptions {
  /** Called after the answer was made, for platforms that end the process then: `(work) => after(work)`. */
  afterAnswer?: () => void;
}

/** `Request` in, `Response` out: Hono, Next.js, SvelteKit, Deno, Bun, service workers. Never rejects. */
export function toFetchHandler(
  target: WebhookTarget,
  { afterAnswer }: FetchHandlerOptions = {},
): (request: Request) => Promise<Response> {
  return async (request) => {
    const { status, headers, body } = await target.handle(fromFetchRequest(request));
    afterAnswer?.();
    // A 204 or an answer to HEAD must not have a body.
    const hasBody = body !== '' && request.method !== 'HEAD';
    return new Response(hasBody ? body : null, { status, headers });
  };
}

function fromFetchRequest(request: Request): IncomingWebhook {
  return {
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    readBody: (maxBytes) => readBody(request, maxBytes),
  };
}

async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (request.bodyUsed) {
    throw new WebhookError(
      'body_already_read',
      'The body was read before. Give the receiver the request as it came, or a clone of it.',
    );
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.length;
      if (size > maxBytes) throw bodyTooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof WebhookError) throw cause;
    throw new WebhookError('body_incomplete', 'The body ended before its time.', { cause });
  }
  return Buffer.concat(chunks);
}
