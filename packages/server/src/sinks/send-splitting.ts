import { type ItemRefusal, type SinkConnection, type SinkItem, SinkTrouble } from './contract.ts';

/**
 * Sends a batch. One that is refused as a whole is cut in halves until it is known which items are not
 * wanted, so that one event that a destination chokes on does not keep all others back.
 */
export async function sendSplitting(
  connection: Pick<SinkConnection, 'send'>,
  items: readonly SinkItem[],
  signal: AbortSignal,
): Promise<readonly ItemRefusal[]> {
  if (items.length === 0) return [];
  let done: readonly ItemRefusal[] = [];
  let taken = 0;
  try {
    return await connection.send(items, signal);
  } catch (error) {
    if (!(error instanceof SinkTrouble) || error.code !== 'refused') throw error;
    if (items.length === 1) return [{ index: 0, detail: error.message }];
    ({ taken, refusals: done } = error);
  }
  // The one at fault is among the rest; at least one of them is cut off, or this would not end.
  const half = Math.min(taken + Math.ceil((items.length - taken) / 2), items.length - 1);
  const parts = [items.slice(0, taken), items.slice(taken, half), items.slice(half)];
  return sendInTurn(parts, async (some) => {
    const isDone = some === parts[0];
    return isDone ? done : sendSplitting(connection, some, signal);
  });
}

/** For destinations that take one at a time: goes on behind what is refused, and stops at trouble. */
export function sendOneByOne(
  items: readonly SinkItem[],
  send: (item: SinkItem) => Promise<void>,
): Promise<readonly ItemRefusal[]> {
  return sendInTurn(
    items.map((item) => [item]),
    async ([item]) => {
      try {
        if (item !== undefined) await send(item);
        return [];
      } catch (error) {
        if (!(error instanceof SinkTrouble) || error.code !== 'refused') throw error;
        return [{ index: 0, detail: error.message }];
      }
    },
  );
}

/** Parts of a batch, one after the other. Trouble says how many items were done before it. */
export async function sendInTurn(
  parts: readonly (readonly SinkItem[])[],
  send: (part: readonly SinkItem[]) => Promise<readonly ItemRefusal[]>,
): Promise<readonly ItemRefusal[]> {
  const refusals: ItemRefusal[] = [];
  let done = 0;
  const shifted = (some: readonly ItemRefusal[]): ItemRefusal[] =>
    some.map(({ index, detail }) => ({ index: index + done, detail }));
  for (const part of parts) {
    try {
      refusals.push(...shifted(await send(part)));
    } catch (error) {
      if (!(error instanceof SinkTrouble)) throw error;
      throw new SinkTrouble(error.code, error.message, {
        retryAfterMs: error.retryAfterMs,
        taken: done + error.taken,
        refusals: [...refusals, ...shifted(error.refusals)],
        cause: error,
      });
    }
    done += part.length;
  }
  return refusals;
}

export function inPieces<T>(items: readonly T[], size: number): T[][] {
  const pieces: T[][] = [];
  for (let at = 0; at < items.length; at += size) pieces.push(items.slice(at, at + size));
  return pieces;
}
