/**
 * The smallest receiver on node:http, with an inbox in a SQLite file beside it.
 *
 *     WEBHOOK_SECRET=whsec_... node examples/receiver-node-http.ts
 *
 * The secret is in the answer to POST /v1/endpoints, where you give the URL
 * http://127.0.0.1:3000/webhooks/v1/email.
 */
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import {
  createReceiver,
  createSqliteInbox,
  type Handlers,
  type Inbox,
  type Receiver,
  toNodeHandler,
} from '@posthorn/sdk';

export function createEmailReceiver(secret: string, inbox: Inbox, handlers: Handlers): Receiver {
  return createReceiver({
    provider: 'standard',
    secrets: secret,
    inbox,
    handlers,
    log: (record) => console.error(JSON.stringify(record)),
  });
}

if (process.argv[1] === import.meta.filename) {
  const inbox = createSqliteInbox({ database: new DatabaseSync('inbox.db') });
  const receiver = createEmailReceiver(process.env['WEBHOOK_SECRET'] ?? '', inbox, {
    'email.*': ({ type, data }) => console.log(type, data.recipient, data.delivery?.response ?? ''),
  });
  receiver.start();
  createServer(toNodeHandler(receiver)).listen(3000, '127.0.0.1');
}
