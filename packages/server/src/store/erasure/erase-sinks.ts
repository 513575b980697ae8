import type { Kysely } from 'kysely';
import { toStatement } from '../statement.ts';
import type { Tables } from '../tables.ts';
import { type ErasureWalk, readWindow } from './erasure-walk.ts';

/** Why a sink would not take an event: its destination, or a transformation that fails, may name the person. */
export function createRefusalErasure(db: Kysely<Tables>): ErasureWalk {
  const texts = ['detail'] as const;
  const key = ['sink_id', 'event_id'] as const;
  const from = { table: 'sink_refusals', key, texts, columns: [...key, ...texts] } as const;
  return async (input) => {
    const { projectId, person } = input;
    const { rows, last } = await readWindow(db, from, input);
    const statements = rows.map(({ detail, sink_id: sinkId, event_id: eventId }) =>
      toStatement(
        db
          .updateTable('sink_refusals')
          .set({ detail: person.replace(detail) })
          .where('project_id', '=', projectId)
          .where('sink_id', '=', sinkId)
          .where('event_id', '=', eventId),
      ),
    );
    return { statements, changed: statements.length, last };
  };
}

/** Why the last batch of a sink failed: kept until one gets through, which may be long. */
export function createSinkTroubleErasure(db: Kysely<Tables>): ErasureWalk {
  const texts = ['last_error'] as const;
  const key = ['sink_id', 'lane'] as const;
  const from = { table: 'sink_places', key, texts, columns: [...key, ...texts] } as const;
  return async (input) => {
    const { projectId, person } = input;
    const { rows, last } = await readWindow(db, from, input);
    const statements = rows.map(({ last_error: lastError, sink_id: sinkId, lane }) =>
      toStatement(
        db
          .updateTable('sink_places')
          .set({ last_error: person.replace(lastError ?? '') })
          .where('project_id', '=', projectId)
          .where('sink_id', '=', sinkId)
          .where('lane', '=', lane)
          .where('last_error', '=', lastError),
      ),
    );
    return { statements, changed: statements.length, last };
  };
}
