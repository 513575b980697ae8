import type { SourcePayload } from '../../core/source.ts';
import { type AppendedEvent, type Engine, type Statement, StoreConflict } from '../engine.ts';
import type { EventLog, NewEvent } from '../log/event-log.ts';
import { toStatement } from '../statement.ts';
import type { SourcePayloads } from './source-payloads.ts';

/** A webhook that was judged and read. */
export interface TakenWebhook {
  events: readonly NewEvent[];
  payload: SourcePayload;
  /** What must not come a second time with another body, and until when; null where the body is signed. */
  replay: { key: string; retainUntilMs: number } | null;
}

export type TakenResult =
  | { kind: 'stored'; appended: AppendedEvent[] }
  /** The same request once more: it was stored before. */
  | { kind: 'repeated' }
  /** The signature was used before, for another body. */
  | { kind: 'replayed' };

/** Stores a webhook: its bytes, its events, what they owe and its replay key, in one commit. */
export interface SourceIntake {
  /** Rejects with StoreUnavailable; nothing is stored then. */
  take(webhook: TakenWebhook): Promise<TakenResult>;
}

export function createSourceIntake(options: {
  engine: Engine;
  log: Pick<EventLog, 'append'>;
  payloads: Pick<SourcePayloads, 'insertion'>;
}): SourceIntake {
  const { engine, log, payloads } = options;
  const { db } = engine;

  /** A key that has expired gives way. */
  function remembering({ payload, replay }: TakenWebhook): Statement[] {
    if (replay === null) return [];
    const { projectId, sourceId, receivedAtMs, digest } = payload;
    const expired = db
      .deleteFrom('source_replays')
      .where('project_id', '=', projectId)
      .where('source_id', '=', sourceId)
      .where('replay_key', '=', replay.key)
      .where('retain_until', '<=', receivedAtMs);
    const row = {
      project_id: projectId,
      source_id: sourceId,
      replay_key: replay.key,
      digest,
      retain_until: replay.retainUntilMs,
    };
    return [toStatement(expired), toStatement(db.insertInto('source_replays').values(row), 1)];
  }

  async function digestUnder(key: string, payload: SourcePayload): Promise<string | null> {
    const row = await db
      .selectFrom('source_replays')
      .select('digest')
      .where('project_id', '=', payload.projectId)
      .where('source_id', '=', payload.sourceId)
      .where('replay_key', '=', key)
      .executeTakeFirst();
    return row?.digest ?? null;
  }

  return {
    async take(webhook) {
      const { events, payload, replay } = webhook;
      try {
        const beside = [...remembering(webhook), payloads.insertion(payload)];
        return { kind: 'stored', appended: await log.append(events, beside) };
      } catch (error) {
        if (!(error instanceof StoreConflict) || replay === null) throw error;
        const digest = await digestUnder(replay.key, payload);
        if (digest === null) throw error;
        return { kind: digest === payload.digest ? 'repeated' : 'replayed' };
      }
    },
  };
}
