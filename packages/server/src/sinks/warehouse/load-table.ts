import { type SinkConnection, type SinkItem, SinkTrouble } from '../contract.ts';
import type { Lifeline } from '../dialing/lifeline.ts';
import { inPiecesOfBytes, sendInTurn } from '../sending/send-splitting.ts';
import { sizeOfRow } from './event-row.ts';

/** A table that has all columns. */
export interface EventTable {
  /** Inserts what is not there yet, all or nothing. */
  insert(items: readonly SinkItem[]): Promise<unknown>;
}

/** At most so much in one statement. */
const STATEMENT_SIZE = { items: 1_000, bytes: 4_000_000 };

/** How a database gets a batch: its table is prepared once a connection, and filled piece by piece. */
export function loadIntoTable(database: {
  lifeline: Lifeline;
  prepare(): Promise<EventTable>;
  /** What an error of the client means. */
  explain(error: unknown): SinkTrouble;
}): SinkConnection['send'] {
  const { lifeline, explain } = database;
  let prepared: EventTable | null = null;

  async function prepare(): Promise<EventTable> {
    try {
      return await database.prepare();
    } catch (error) {
      const trouble = explain(error);
      // No event is at fault yet.
      if (trouble.code !== 'refused') throw trouble;
      throw new SinkTrouble('unavailable', trouble.message, { cause: error });
    }
  }

  async function insert(piece: readonly SinkItem[]): Promise<void> {
    prepared ??= await prepare();
    try {
      await prepared.insert(piece);
    } catch (error) {
      throw explain(error);
    }
  }

  return (items, signal) =>
    lifeline.during(signal, (stopped) =>
      sendInTurn(inPiecesOfBytes(items, STATEMENT_SIZE, sizeOfRow), async (piece) => {
        await Promise.race([insert(piece), stopped]);
        return [];
      }),
    );
}
