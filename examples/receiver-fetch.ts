/**
 * The smallest receiver as a fetch handler: Request in, Response out. That is what Hono, Next.js
 * route handlers, SvelteKit, Deno, Bun and most edge platforms take.
 *
 *     const receive = createFetchReceiver(process.env.WEBHOOK_SECRET, onEvent);
 *     app.post('/webhooks/email', (context) => receive(context.req.raw)); // Hono
 *     export const POST = receive;                                       // Next.js
 *
 * To run one at once, on plain Node.js, take receiver-node-http.ts.
 */
import { type CanonicalEvent, verifyStandardWebhook, WebhookError } from '@posthorn/sdk';

export function createFetchReceiver(
  secret: string,
  onEvent: (event: CanonicalEvent) => void | Promise<void>,
): (request: Request) => Promise<Response> {
  // An event may come twice. In production this is a unique key in your database.
  const handled = new Set<string>();
  return async (request) => {
    // The raw bytes, not request.json(): the signature is over them.
    const body = new Uint8Array(await request.arrayBuffer());
    try {
      const { id, event } = verifyStandardWebhook({ secret, body, headers: request.headers });
      if (!handled.has(id)) await onEvent(event);
      handled.add(id);
      return new Response(null, { status: 204 });
    } catch (error) {
      if (error instanceof WebhookError) return new Response(error.message, { status: 401 });
      throw error;
    }
  };
}
