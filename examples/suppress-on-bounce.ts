/**
 * Handlers that keep a list of addresses not to write to any more: those that do not exist, and those of
 * people who complained or opted out. A full mailbox or a blocked server is nobody's fault who reads mail
 * there, so it does not count.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Handler, Handlers } from '@posthorn/sdk';

export interface SuppressionList {
  handlers: Handlers;
  /** Ask before you send. */
  isSuppressed(address: string): boolean;
}

export function createSuppressionList(database: DatabaseSync): SuppressionList {
  database.exec(
    'CREATE TABLE IF NOT EXISTS suppressed (address TEXT PRIMARY KEY, reason TEXT NOT NULL)',
  );
  // A handler may run twice for one event: the second time changes nothing.
  const insert = database.prepare('INSERT OR IGNORE INTO suppressed VALUES (?, ?)');
  const find = database.prepare('SELECT 1 FROM suppressed WHERE address = ?');
  const remove = database.prepare('DELETE FROM suppressed WHERE address = ? AND reason = ?');

  const suppress =
    (reason: string): Handler =>
    ({ data: { recipient } }) => {
      if (typeof recipient === 'string') insert.run(recipient.toLowerCase(), reason);
    };

  return {
    handlers: {
      'email.bounced': (event, context) => {
        const { bounce } = event.data;
        const isTheirs = bounce?.scope === 'recipient' || bounce?.scope === 'domain';
        if (bounce?.type === 'hard' && isTheirs) return suppress('hard_bounce')(event, context);
      },
      'email.complained': suppress('complaint'),
      'email.unsubscribed': suppress('unsubscribe'),
      'email.resubscribed': ({ data: { recipient } }) =>
        void remove.run((recipient ?? '').toLowerCase(), 'unsubscribe'),
    },
    isSuppressed: (address) => find.get(address.toLowerCase()) !== undefined,
  };
}
