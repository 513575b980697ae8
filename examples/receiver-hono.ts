/**
 * A receiver in a Hono application, of SendGrid's webhooks. The same two lines with toFetchHandler or
 * toNextRoute serve Next.js, SvelteKit, Deno and Bun.
 */
import {
  createReceiver,
  type Handlers,
  type Inbox,
  type Receiver,
  toHonoHandler,
} from '@posthorn/sdk';
import { Hono } from 'hono';

export function createApp(
  verificationKey: string,
  inbox: Inbox,
  handlers: Handlers,
): { app: Hono; receiver: Receiver } {
  const receiver = createReceiver({
    provider: 'sendgrid',
    secrets: verificationKey,
    inbox,
    handlers,
  });
  const app = new Hono().all('/webhooks/v1/sendgrid', toHonoHandler(receiver));
  return { app, receiver };
}
