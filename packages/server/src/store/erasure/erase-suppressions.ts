import type { Kysely } from 'kysely';
import { hashSuppressed } from '../../core/mail/suppression.ts';
import { toStatement } from '../statement.ts';
import type { Tables } from '../tables.ts';
import { type ErasureWalk, readWindow } from './erasure-walk.ts';

/**
 * An entry of the suppression list loses the address and stays, known by its hash alone: a person who
 * has left must not get mail because of it.
 */
export function createSuppressionErasure(db: Kysely<Tables>): ErasureWalk {
  const texts = ['address', 'note'] as const;
  const key = ['address_hash', 'stream'] as const;
  const from = { table: 'suppressions', key, texts, columns: ['id', ...texts] } as const;
  return async (input) => {
    const { projectId, person } = input;
    const { rows, last } = await readWindow(db, from, input);
    const statements = rows.map(({ id, address, note }) =>
      toStatement(
        db
          .updateTable('suppressions')
          .set(
            person.has(address)
              ? { address: null, note: null, event_id: null }
              : { note: person.replace(note) },
          )
          .where('project_id', '=', projectId)
          .where('id', '=', id),
      ),
    );
    return { statements, changed: statements.length, last };
  };
}

/** How often mail to the person came back. */
export function createSoftBounceErasure(db: Kysely<Tables>): ErasureWalk {
  return async ({ projectId, person }) => {
    const query = db
      .deleteFrom('soft_bounces')
      .where('project_id', '=', projectId)
      .where('address_hash', '=', hashSuppressed(projectId, person.address));
    return { statements: [toStatement(query)], changed: 0, last: null };
  };
}

/** Lists that wait to be imported, or to be downloaded. */
export function createJobPartErasure(db: Kysely<Tables>): ErasureWalk {
  const from = {
    table: 'job_parts',
    key: ['job_id', 'part'],
    texts: ['content'],
    columns: ['job_id', 'part', 'content'],
  } as const;
  return async (input) => {
    const { projectId, person } = input;
    const { rows, last } = await readWindow(db, from, input);
    const statements = rows.map((row) =>
      toStatement(
        db
          .updateTable('job_parts')
          .set({ content: person.replace(row.content) })
          .where('project_id', '=', projectId)
          .where('job_id', '=', row.job_id)
          .where('part', '=', row.part),
      ),
    );
    return { statements, changed: statements.length, last };
  };
}
