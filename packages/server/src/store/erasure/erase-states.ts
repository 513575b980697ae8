import type { Kysely } from 'kysely';
import { toStatement } from '../statement.ts';
import type { Tables } from '../tables.ts';
import { type ErasureWalk, readWindow } from './erasure-walk.ts';

/** States of mail that was not ours; those of ours have followed their transmissions. */
export function createStateErasure(db: Kysely<Tables>): ErasureWalk {
  const from = {
    table: 'recipient_states',
    key: ['message_key', 'recipient'],
    texts: ['recipient'],
    columns: ['message_key', 'recipient'],
  } as const;
  return async (input) => {
    const { projectId, person } = input;
    const { rows, last } = await readWindow(db, from, input);
    const theirs = rows.filter((row) => person.has(row.recipient));
    const statements = theirs.map((row) =>
      toStatement(
        db
          .deleteFrom('recipient_states')
          .where('project_id', '=', projectId)
          .where('message_key', '=', row.message_key)
          .where('recipient', '=', row.recipient),
      ),
    );
    return { statements, changed: statements.length, last };
  };
}
