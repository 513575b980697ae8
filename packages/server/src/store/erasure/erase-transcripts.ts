import type { Kysely } from 'kysely';
import { toStatement } from '../statement.ts';
import type { Tables } from '../tables.ts';
import { type ErasureWalk, readWindow } from './erasure-walk.ts';

/** What was said to mail servers about the person, and what they said. */
export function createTranscriptErasure(db: Kysely<Tables>): ErasureWalk {
  const texts = ['recipients', 'lines'] as const;
  const key = ['message_id', 'id'] as const;
  const from = { table: 'transcripts', key, texts, columns: [...key, ...texts] } as const;
  return async (input) => {
    const { projectId, person } = input;
    const { rows, last } = await readWindow(db, from, input);
    const statements = rows.map((row) =>
      toStatement(
        db
          .updateTable('transcripts')
          .set({
            recipients: person.replace(row.recipients),
            lines: person.replace(row.lines),
          })
          .where('project_id', '=', projectId)
          .where('message_id', '=', row.message_id)
          .where('id', '=', row.id),
      ),
    );
    return { statements, changed: statements.length, last };
  };
}
