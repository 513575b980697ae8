import type { Kysely } from 'kysely';
import type { Person } from '../../core/erase-person.ts';
import type { Statement } from '../engine.ts';
import { createReceivedMails } from '../mail/received-mail.ts';
import { toStatement } from '../statement.ts';
import type { ReceivedMailTable, Tables } from '../tables.ts';
import { type ErasureWalk, readWindow } from './erasure-walk.ts';

const TEXTS = ['recipient', 'envelope_from', 'header_from', 'subject', 'details'] as const;
type ReceivedRow = Pick<ReceivedMailTable, 'id' | (typeof TEXTS)[number]>;

/**
 * Mail that came in. What the person wrote or was written goes with its bytes; where he is only named (in
 * Cc, in a header) the address is replaced, and the bytes stay for as long as they are kept.
 */
export function createReceivedErasure(db: Kysely<Tables>): ErasureWalk {
  const columns = ['id', ...TEXTS] as const;
  const from = { table: 'received_mail', key: ['id'], texts: TEXTS, columns } as const;
  const mails = createReceivedMails({ db, lists: db });
  return async (input) => {
    const { projectId, person } = input;
    const { rows, last } = await readWindow(db, from, input);
    const statements = rows.flatMap((row): Statement[] =>
      isTheirs(row, person)
        ? mails.removal(projectId, row.id)
        : [replaceIn(db, projectId, row, person)],
    );
    return { statements, changed: rows.length, last };
  };
}

function isTheirs({ recipient, envelope_from, header_from }: ReceivedRow, person: Person): boolean {
  return [recipient, envelope_from, header_from].some(person.has);
}

function replaceIn(
  db: Kysely<Tables>,
  projectId: string,
  row: ReceivedRow,
  person: Person,
): Statement {
  return toStatement(
    db
      .updateTable('received_mail')
      .set({
        subject: person.replace(row.subject),
        envelope_from: person.replace(row.envelope_from),
        details: JSON.stringify(person.replace(JSON.parse(row.details))),
      })
      .where('project_id', '=', projectId)
      .where('id', '=', row.id),
  );
}
