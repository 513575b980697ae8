import type { WebhookTarget } from '../receiver/webhook.ts';
import { type FetchHandlerOptions, toFetchHandler } from './fetch.ts';

/** `app.all('/webhooks/email', toHonoHandler(receiver))` */
export function toHonoHandler(
  target: WebhookTarget,
  options?: FetchHandlerOptions,
): (context: { req: { raw: Request } }) => Promise<Response> {
  const handle = toFetchHandler(target, options);
  return (context) => handle(context.req.raw);
}
