/**
 * Shows people what became of their mail: the handler keeps the events of each message, and a page folds
 * them into a state. They may come late, twice and in any order.
 *
 *     GET /messages/msg_...         {"recipients": [{"address": "...", "state": "delivered", ...}]}
 *     GET /messages/msg_.../live    the same as server-sent events, whenever it changes
 */
import { EventEmitter } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import type { DatabaseSync } from 'node:sqlite';
import { type CanonicalEvent, type Handlers, type MessageState, messageState } from '@posthorn/sdk';

export interface StatusPages {
  handlers: Handlers;
  listener: RequestListener;
}

export function createStatusPages(database: DatabaseSync): StatusPages {
  database.exec(`CREATE TABLE IF NOT EXISTS message_events (
    id TEXT PRIMARY KEY, message TEXT NOT NULL, event TEXT NOT NULL)`);
  database.exec('CREATE INDEX IF NOT EXISTS message_events_by ON message_events (message)');
  const insert = database.prepare('INSERT OR IGNORE INTO message_events VALUES (?, ?, ?)');
  const select = database.prepare('SELECT event FROM message_events WHERE message = ?');
  const changes = new EventEmitter().setMaxListeners(0);

  function statusOf(message: string): { recipients: ({ address: string } & MessageState)[] } {
    const events = select
      .all(message)
      .map((row): CanonicalEvent => JSON.parse(String(row['event'])));
    const byRecipient = Map.groupBy(events, ({ data }) => data.recipient ?? '');
    return {
      recipients: [...byRecipient].map(([address, own]) => ({ address, ...messageState(own) })),
    };
  }

  function follow(message: string, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const send = () => response.write(`data: ${JSON.stringify(statusOf(message))}\n\n`);
    send();
    changes.on(message, send);
    response.on('close', () => changes.off(message, send));
  }

  return {
    handlers: {
      'email.*': (event) => {
        const message = event.data.message?.id;
        if (typeof message !== 'string') return;
        insert.run(event.id, message, JSON.stringify(event));
        changes.emit(message);
      },
    },
    listener: (request, response) => {
      const [, message, live] = /^\/messages\/(msg_\w+)(\/live)?$/.exec(request.url ?? '') ?? [];
      if (message === undefined) return void response.writeHead(404).end();
      if (live !== undefined) return follow(message, response);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(statusOf(message)));
    },
  };
}
