import type { Kysely } from 'kysely';
import type { Person } from '../../core/erase-person.ts';
import { unpackBytes } from '../../lib/pack.ts';
import { toStatement } from '../statement.ts';
import type { SourcePayloadsTable, Tables } from '../tables.ts';
import type { ErasureWalk } from './erasure-walk.ts';

/** They are unpacked and searched here, and may have megabytes each. */
const WINDOW_ROWS = 50;

/**
 * Webhooks as they came in. One that names the person goes whole: with another address in it, a newer
 * decoder would make a new event of what was erased.
 */
export function createPayloadErasure(db: Kysely<Tables>): ErasureWalk {
  return async ({ projectId, person, after }) => {
    const rows = await db
      .selectFrom('source_payloads')
      .select(['id', 'request', 'encoding', 'body', 'recipients'])
      .where('project_id', '=', projectId)
      .where('id', '>', after ?? '')
      .orderBy('id')
      .limit(WINDOW_ROWS)
      .execute();
    const named: string[] = [];
    for (const row of rows) if (await names(row, person)) named.push(row.id);
    const statements = named.map((id) =>
      toStatement(
        db.deleteFrom('source_payloads').where('project_id', '=', projectId).where('id', '=', id),
      ),
    );
    const last = rows.length === WINDOW_ROWS ? (rows.at(-1)?.id ?? null) : null;
    return { statements, changed: named.length, last };
  };
}

type PayloadRow = Pick<SourcePayloadsTable, 'request' | 'encoding' | 'body' | 'recipients'>;

async function names(row: PayloadRow, person: Person): Promise<boolean> {
  const recipients: string[] = JSON.parse(row.recipients);
  if (recipients.some(person.has)) return true;
  // A mail in base64 is not searched; whom it went to is among the recipients.
  const body = Buffer.from(await unpackBytes(row)).toString('utf8');
  const text = `${row.request}\n${body}`;
  return person.replace(text) !== text;
}
