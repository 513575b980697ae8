import type { Kysely } from 'kysely';
import { createGroupCommit } from '../../lib/group-commit.ts';
import { compileOnce } from '../statement.ts';
import type { MessagesTable, Tables } from '../tables.ts';
import { fromMessageRow } from './message-row.ts';
import type { MessageRecord } from './messages.ts';

/** A message that waited in the queue, ready to be sent. */
export interface OutgoingMessage {
  message: MessageRecord;
  /** null: they are gone. */
  raw: Uint8Array | null;
}

/** Reads a message with its bytes; null where there is none. */
export type OutgoingReader = (projectId: string, id: string) => Promise<OutgoingMessage | null>;

/** Of one query. */
const MAX_MESSAGES = 32;
/** A larger body is read by itself, so that a query brings 4 MB at most. */
const MAX_BODY_BYTES = 131_072;

interface Ask {
  projectId: string;
  id: string;
  resolve(found: OutgoingMessage | null | Promise<OutgoingMessage>): void;
  reject(error: unknown): void;
}

type FoundRow = MessagesTable & { raw: Uint8Array | null };

/**
 * The messages that a commit has made room for are asked for at the same moment, and those of a project are read
 * together: a read alone, there and back, costs more than all else that the store does for a message that goes out.
 */
export function createOutgoingReader(
  db: Kysely<Tables>,
  readBody: (projectId: string, id: string) => Promise<Uint8Array | null>,
): OutgoingReader {
  const queue = createGroupCommit<Ask>({ flush: readAll, maxItems: MAX_MESSAGES });
  const queries = new Map<number, ReturnType<typeof createQuery>>();

  async function readAll(asks: readonly Ask[]): Promise<() => void> {
    const byProject = Map.groupBy(asks, ({ projectId }) => projectId);
    const answers = [...byProject].map(([projectId, some]) => readSome(projectId, some));
    const settles = await Promise.all(answers);
    return () => {
      for (const settle of settles) settle();
    };
  }

  /** Of one project. Never rejects: who asked is told. */
  async function readSome(projectId: string, asks: readonly Ask[]): Promise<() => void> {
    try {
      const byId = await select(projectId, asks);
      return () => {
        for (const ask of asks) ask.resolve(found(ask, byId.get(ask.id)));
      };
    } catch (error) {
      return () => {
        for (const { reject } of asks) reject(error);
      };
    }
  }

  async function select(projectId: string, asks: readonly Ask[]): Promise<Map<string, FoundRow>> {
    // Of 1, 2, 4 ... messages, the last one several times: a few queries, which engines keep prepared.
    const size = 2 ** Math.ceil(Math.log2(asks.length));
    const query = queries.get(size) ?? createQuery(db);
    queries.set(size, query);
    const ids = Array.from({ length: size }, (_, i) => (asks[i] ?? asks.at(-1))?.id ?? '');
    const { rows } = await db.executeQuery(query({ projectId, ...ids }));
    return new Map(rows.map((row) => [row.id, row]));
  }

  function found(
    { projectId, id }: Ask,
    row: FoundRow | undefined,
  ): OutgoingMessage | null | Promise<OutgoingMessage> {
    if (row === undefined) return null;
    const message = fromMessageRow(row);
    if (row.raw !== null) return { message, raw: row.raw };
    return readBody(projectId, id).then((raw) => ({ message, raw }));
  }

  return (projectId, id) =>
    new Promise((resolve, reject) => queue.add({ projectId, id, resolve, reject }));
}

/** Takes as many ids, by their number, as the first time. */
function createQuery(db: Kysely<Tables>) {
  return compileOnce(({ projectId, ...ids }: { projectId: string; [number: number]: string }) =>
    db
      .selectFrom('messages as m')
      .leftJoin('message_bodies as b', (join) =>
        join.onRef('b.project_id', '=', 'm.project_id').onRef('b.message_id', '=', 'm.id'),
      )
      .selectAll('m')
      .select((eb) => {
        const isSmall = eb('m.size_bytes', '<=', MAX_BODY_BYTES);
        return eb.case().when(isSmall).then(eb.ref('b.raw')).else(null).end().as('raw');
      })
      .where('m.project_id', '=', projectId)
      .where('m.id', 'in', Object.values(ids)),
  );
}
