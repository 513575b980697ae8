import type { RecipientState } from '@posthorn/sdk';
import { type ExpressionBuilder, type Kysely, type RawBuilder, sql } from 'kysely';
import { encodeCursor, type Page } from '../../core/cursor.ts';
import { foldText } from '../../core/fold-text.ts';
import type { MessagesTable, Tables } from '../tables.ts';

/** Which messages are meant; null where anything will do. */
export interface MessageFilter {
  projectId: string;
  recipient: string | null;
  /** Of one of its recipients; of `recipient`, where that is given too. */
  state: RecipientState | null;
  /** A part of it, without regard to case and accents. */
  subject: string | null;
  tag: string | null;
  /** The Message-ID with its angle brackets. */
  smtpId: string | null;
  /** Bounds of the id, which begins with the time: from inclusive, to exclusive. */
  fromId: string | null;
  toId: string | null;
}

export const ANY_MESSAGE: Omit<MessageFilter, 'projectId'> = {
  recipient: null,
  state: null,
  subject: null,
  tag: null,
  smtpId: null,
  fromId: null,
  toId: null,
};

export interface MessageQuery extends MessageFilter {
  limit: number;
  beforeId: string | null;
}

/**
 * How many messages one question looks at. Subjects in other letters than ASCII are folded on the main thread:
 * of so many in some 10 ms, which is as long as anything else should wait for.
 */
const SCAN_ROWS = 2_500;
/** How many windows a page looks at before it sends the caller on to the next one. */
const SCANS_PER_PAGE = 80;
/** The same where something was found: it is shown, and the rest comes with the next page. */
const SCANS_ONCE_FOUND = 10;
/** The searched columns of a message: what a window is read for. */
const SEARCHED = ['id', 'subject', 'tags'] as const;

type Searched = Pick<MessagesTable, (typeof SEARCHED)[number]>;

/**
 * The messages that match, the newest first, by the key alone: subjects, tags and states have no index,
 * because each message would pay for it and people search seldom. So a search looks at a bounded window of
 * ids at a time. A page may be short, or empty, and still lead to a next one.
 */
export async function searchMessages(
  db: Kysely<Tables>,
  query: MessageQuery,
  windowRows = SCAN_ROWS,
): Promise<Page<MessagesTable>> {
  const { projectId, limit, tag } = query;
  const subject = query.subject === null ? null : foldText(query.subject);
  const found: string[] = [];
  let before = query.beforeId;
  for (let step = 0; step < SCANS_PER_PAGE && found.length <= limit; step++) {
    if (found.length > 0 && step >= SCANS_ONCE_FOUND) break;
    const end = isPlain(query) ? null : await findWindowEnd(db, query, { before, windowRows });
    const missing = limit + 1 - found.length;
    const rows = await readWindow(db, query, { before, end, limit: missing });
    found.push(...rows.filter((row) => isMeant(row, { tag, subject })).map(({ id }) => id));
    before = end;
    if (end === null) break;
  }
  const shown = found.slice(0, limit);
  const last = found.length > limit ? shown.at(-1) : before;
  const nextCursor = last === null || last === undefined ? null : encodeCursor(last);
  return { rows: await readRows(db, projectId, shown), nextCursor };
}

/** The key and the index over recipients find these; no window is needed. */
function isPlain({ state, subject, tag, smtpId }: MessageFilter): boolean {
  return state === null && subject === null && tag === null && smtpId === null;
}

/** What SQL does not decide: engines fold letters in different ways. `subject` is folded already. */
function isMeant(row: Searched, { subject, tag }: Pick<MessageFilter, 'subject' | 'tag'>): boolean {
  if (tag !== null && !(JSON.parse(row.tags) as string[]).includes(tag)) return false;
  return subject === null || foldText(row.subject ?? '').includes(subject);
}

function selectBefore(db: Kysely<Tables>, filter: MessageFilter, before: string | null) {
  const { projectId, fromId, toId } = filter;
  let select = db.selectFrom('messages').where('project_id', '=', projectId);
  if (before !== null) select = select.where('id', '<', before);
  if (fromId !== null) select = select.where('id', '>=', fromId);
  if (toId !== null) select = select.where('id', '<', toId);
  if (filter.recipient !== null) {
    select = select.where('id', 'in', (eb) => statesOf(eb, filter).select('message_key'));
  }
  return select;
}

/** The last id of the next window; null when the messages end before it is full. */
async function findWindowEnd(
  db: Kysely<Tables>,
  filter: MessageFilter,
  { before, windowRows }: { before: string | null; windowRows: number },
): Promise<string | null> {
  const row = await selectBefore(db, filter, before)
    .select('id')
    .orderBy('id', 'desc')
    .offset(windowRows - 1)
    .limit(1)
    .executeTakeFirst();
  return row?.id ?? null;
}

async function readWindow(
  db: Kysely<Tables>,
  filter: MessageFilter,
  { before, end, limit }: { before: string | null; end: string | null; limit: number },
): Promise<Searched[]> {
  const { state, subject, tag, smtpId } = filter;
  let select = selectBefore(db, filter, before).select(SEARCHED).orderBy('id', 'desc');
  if (end !== null) select = select.where('id', '>=', end);
  if (smtpId !== null) select = select.where('smtp_id', '=', smtpId);
  if (state !== null && filter.recipient === null) {
    select = select.where((eb) =>
      eb.exists(statesOf(eb, filter).select('state').whereRef('message_key', '=', 'messages.id')),
    );
  }
  // Some letters more than are meant, where LIKE does not tell small ones from capitals.
  if (tag !== null) select = select.where(hasText(sql.ref('tags'), JSON.stringify(tag)));
  if (subject !== null) {
    const folded = foldText(subject);
    if (isAscii(folded)) select = select.where((eb) => eb.or([hasText(LOWER, folded), IS_FOREIGN]));
  }
  return subject === null && tag === null ? select.limit(limit).execute() : select.execute();
}

function statesOf(eb: ExpressionBuilder<Tables, 'messages'>, filter: MessageFilter) {
  const { projectId, recipient, state } = filter;
  let select = eb.selectFrom('recipient_states').where('project_id', '=', projectId);
  if (recipient !== null) select = select.where('recipient', '=', recipient);
  if (state !== null) select = select.where('state', '=', state);
  return select;
}

const isAscii = (text: string): boolean => /^[\u0000-\u007f]*$/.test(text);

/** Of ASCII both engines know the small letters; of other subjects only foldText does. */
const LOWER = sql`lower(subject)`;
const IS_FOREIGN = sql<boolean>`octet_length(subject) <> length(subject)`;

const hasText = (column: RawBuilder<unknown>, text: string) =>
  sql<boolean>`${column} like ${`%${text.replace(/[\\%_]/g, '\\$&')}%`} escape '\\'`;

async function readRows(
  db: Kysely<Tables>,
  projectId: string,
  ids: readonly string[],
): Promise<MessagesTable[]> {
  if (ids.length === 0) return [];
  return db
    .selectFrom('messages')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', 'in', ids)
    .orderBy('id', 'desc')
    .execute();
}
