/**
 * A receiver in an Express application. It stands before express.json(), which would parse the body that
 * the signature is over. Two versions of a path, so that a handler can change while both are in use.
 */
import {
  createReceiver,
  type Handlers,
  type Inbox,
  type Receiver,
  toExpressHandler,
} from '@posthorn/sdk';
import express, { type Express } from 'express';

export interface EmailApp {
  app: Express;
  receivers: readonly Receiver[];
}

export function createApp(
  secret: string,
  inbox: Inbox,
  versions: { v1: Handlers; v2: Handlers },
): EmailApp {
  const app = express();
  const receivers = Object.entries(versions).map(([version, handlers]) => {
    // Each has a queue of its own in the one inbox.
    const name = `email-${version}`;
    const receiver = createReceiver({
      provider: 'standard',
      secrets: secret,
      inbox,
      name,
      handlers,
    });
    app.all(`/webhooks/${version}/email`, toExpressHandler(receiver));
    return receiver;
  });
  app.use(express.json());
  app.post('/orders', (request, response) => void response.json(request.body));
  return { app, receivers };
}
