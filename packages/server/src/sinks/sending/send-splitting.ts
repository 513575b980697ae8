import { type ItemRefusal, type SinkConnection, type SinkItem, SinkTrouble } from '../contract.ts';

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

/**
 * For destinations that answer for each item while others are on their way. Trouble with one, or when
 * `stopped` rejects, says how many before it are done.
 */
export async function sendTogether(
  items: readonly SinkItem[],
  send: (item: SinkItem) => Promise<void>,
  stopped: Promise<never>,
): Promise<readonly ItemRefusal[]> {
  const answers: (SinkTrouble | 'done' | undefined)[] = [];
  const work = items.map(async (item, i) => {
    try {
      await send(item);
      answers[i] = 'done';
    } catch (error) {
      if (!(error instanceof SinkTrouble) || error.code !== 'refused') throw error;
      answers[i] = error;
    }
  });
  const refusalsOf = (some: typeof answers): ItemRefusal[] =>
    some.flatMap((answer, index) =>
      answer instanceof SinkTrouble ? [{ index, detail: answer.message }] : [],
    );
  try {
    await Promise.race([Promise.all(work), stopped]);
    return refusalsOf(answers);
  } catch (error) {
    if (!(error instanceof SinkTrouble)) throw error;
    const open = items.findIndex((_, i) => answers[i] === undefined);
    const taken = open === -1 ? items.length : open;
    const refusals = refusalsOf(answers.slice(0, taken));
    throw new SinkTrouble(error.code, error.message, { taken, refusals, cause: error });
  }
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

/** Pieces of at most so many items and bytes; one item that is larger than that goes alone. */
export function inPiecesOfBytes<T>(
  items: readonly T[],
  max: { items: number; bytes: number },
  sizeOf: (item: T) => number,
): T[][] {
  const pieces: T[][] = [];
  let leftBytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const last = pieces.at(-1);
    if (last === undefined || last.length === max.items || size > leftBytes) {
      pieces.push([item]);
      leftBytes = max.bytes - size;
    } else {
      last.push(item);
      leftBytes -= size;
    }
  }
  return pieces;
}
