import type { Kysely } from 'kysely';
import type { Person } from '../../core/erase-person.ts';
import { toStatement } from '../statement.ts';
import type { Tables } from '../tables.ts';
import { type ErasureWalk, readWindow } from './erasure-walk.ts';

/** The latest attempt of each delivery: an endpoint may have answered with the address. */
export function createDeliveryErasure(db: Kysely<Tables>): ErasureWalk {
  const texts = ['last_error_detail', 'last_response_excerpt', 'last_trace'] as const;
  const key = ['event_id', 'endpoint_id'] as const;
  const from = {
    table: 'deliveries',
    key,
    texts,
    columns: [...key, ...texts, 'attempt_id'],
  } as const;
  return async (input) => {
    const { projectId, person } = input;
    const { rows, last } = await readWindow(db, from, input);
    const statements = rows.map((row) =>
      toStatement(
        db
          .updateTable('deliveries')
          .set({
            last_error_detail: person.replace(row.last_error_detail),
            last_response_excerpt: person.replace(row.last_response_excerpt),
            last_trace: replaceInTrace(row.last_trace, person),
          })
          .where('project_id', '=', projectId)
          .where('event_id', '=', row.event_id)
          .where('endpoint_id', '=', row.endpoint_id)
          // A newer attempt has texts of its own, and this one is among the earlier ones by then.
          .where('attempt_id', '=', row.attempt_id),
      ),
    );
    return { statements, changed: statements.length, last };
  };
}

/** The earlier attempts. */
export function createAttemptErasure(db: Kysely<Tables>): ErasureWalk {
  const texts = ['error_detail', 'response_excerpt', 'trace'] as const;
  const key = ['event_id', 'endpoint_id', 'id'] as const;
  const from = { table: 'attempts', key, texts, columns: [...key, ...texts] } as const;
  return async (input) => {
    const { projectId, person } = input;
    const { rows, last } = await readWindow(db, from, input);
    const statements = rows.map((row) =>
      toStatement(
        db
          .updateTable('attempts')
          .set({
            error_detail: person.replace(row.error_detail),
            response_excerpt: person.replace(row.response_excerpt),
            trace: replaceInTrace(row.trace, person),
          })
          .where('project_id', '=', projectId)
          .where('event_id', '=', row.event_id)
          .where('endpoint_id', '=', row.endpoint_id)
          .where('id', '=', row.id),
      ),
    );
    return { statements, changed: statements.length, last };
  };
}

function replaceInTrace(trace: string | null, person: Person): string | null {
  return trace === null ? null : JSON.stringify(person.replace(JSON.parse(trace)));
}
