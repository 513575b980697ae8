import type { Engine, Statement } from '../engine.ts';
import { createRowWrite } from '../statement.ts';
import type { TranscriptsTable } from '../tables.ts';

/** One attempt to deliver a message to some of its recipients, as it went. */
export interface TranscriptRecord {
  projectId: string;
  messageId: string;
  id: string;
  startedAtMs: number;
  latencyMs: number;
  recipients: { recipient: string; attempt: number; outcome: string }[];
  lines: { atMs: number; from: 'client' | 'server' | 'note'; text: string }[];
}

export interface Transcripts {
  /** For EventLog.append, beside what the attempt has led to. */
  insertion(record: TranscriptRecord, retainUntilMs: number): Statement;
  /** In the order in which they began. */
  ofMessage(projectId: string, messageId: string, limit: number): Promise<TranscriptRecord[]>;
}

export function createTranscripts({ db, lists }: Pick<Engine, 'db' | 'lists'>): Transcripts {
  const insert = createRowWrite((row: TranscriptsTable) =>
    db.insertInto('transcripts').values(row),
  );
  return {
    insertion: (record, retainUntilMs) =>
      insert({
        project_id: record.projectId,
        message_id: record.messageId,
        id: record.id,
        started_at: record.startedAtMs,
        latency_ms: record.latencyMs,
        recipients: JSON.stringify(record.recipients),
        lines: writeLines(record.lines),
        retain_until: retainUntilMs,
      }),
    async ofMessage(projectId, messageId, limit) {
      const rows = await lists
        .selectFrom('transcripts')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('message_id', '=', messageId)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        projectId,
        messageId,
        id: row.id,
        startedAtMs: row.started_at,
        latencyMs: row.latency_ms,
        recipients: JSON.parse(row.recipients),
        lines: readLines(row.lines),
      }));
    },
  };
}

const SIGNS = { client: '>', server: '<', note: '*' } as const;

/** `12< 250 OK` a line: a third of the size of JSON, and a person can read it in the database. */
function writeLines(lines: TranscriptRecord['lines']): string {
  const written = lines.map(({ atMs, from, text }) => {
    // What a server says may have any characters; a line has to stay one.
    const plain = text.replace(/[\u0000-\u001f\u007f]/g, ' ');
    return `${atMs}${SIGNS[from]} ${plain}`;
  });
  return written.join('\n');
}

function readLines(text: string): TranscriptRecord['lines'] {
  return text.split('\n').flatMap((line) => {
    const [, atMs, sign, said = ''] = /^(\d+)([<>*]) (.*)$/.exec(line) ?? [];
    const from = sign === '>' ? 'client' : sign === '<' ? 'server' : 'note';
    return atMs === undefined ? [] : [{ atMs: Number(atMs), from, text: said } as const];
  });
}
