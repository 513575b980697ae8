/**
 * The smallest receiver of Posthorn's webhooks on node:http.
 *
 *     WEBHOOK_SECRET=whsec_... node examples/receiver-node-http.ts
 *
 * The secret is in the answer to POST /v1/endpoints, where you give the URL
 * http://127.0.0.1:3000/webhooks/email.
 */
import { createServer, type RequestListener } from 'node:http';
import { type CanonicalEvent, verifyStandardWebhook, WebhookError } from '@posthorn/sdk';

export function createReceiver(
  secret: string,
  /** Should be quick, such as a row in a queue: the answer waits for it, and 15 s are allowed. */
  onEvent: (event: CanonicalEvent) => void | Promise<void>,
): RequestListener {
  // An event may come twice. In production this is a unique key in your database.
  const handled = new Set<string>();
  return async (request, response) => {
    try {
      // The raw bytes: the signature does not hold for a body that was parsed and written anew.
      const body = Buffer.concat(await Array.fromAsync(request));
      const { id, event } = verifyStandardWebhook({ secret, body, headers: request.headers });
      if (!handled.has(id)) await onEvent(event);
      handled.add(id);
      response.writeHead(204).end();
    } catch (error) {
      // Whatever is not 2xx is tried again later; 401 says that the signature is the cause.
      const isRefused = error instanceof WebhookError;
      response.writeHead(isRefused ? 401 : 500).end(isRefused ? error.message : 'Failed.');
    }
  };
}

if (process.argv[1] === import.meta.filename) {
  const receiver = createReceiver(process.env['WEBHOOK_SECRET'] ?? '', ({ type, data }) =>
    console.log(type, data.recipient, data.delivery?.response ?? ''),
  );
  createServer(receiver).listen(3000, '127.0.0.1');
}
