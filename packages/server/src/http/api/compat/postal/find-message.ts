import { numberFor } from '@posthorn/sdk';
import { isId, lowestIdAt } from '../../../../core/ids.ts';
import { ANY_MESSAGE } from '../../../../store/mail/message-search.ts';
import type { MessageRecord, Messages } from '../../../../store/mail/messages.ts';
import { refuse, refuseParameter } from './envelope.ts';
import type { Parameters } from './parameters.ts';

/** Lower bits of a number hold chance, the others the time of the id (the SDK's numberFor). */
const CHANCE = 4_096;
const PAGE = 100;
/** Far more messages than come in one millisecond. */
const MAX_PAGES = 50;

/**
 * The message of the parameter `id`: the number that Postal's clients know, or our own id, which is the
 * token. A number holds the time of the id, so few messages have to be looked at.
 */
export async function findMessage(
  messages: Pick<Messages, 'get' | 'list'>,
  projectId: string,
  { id }: Parameters,
): Promise<MessageRecord> {
  if (id === undefined || id === null || id === '') {
    refuseParameter('`id` parameter is required but is missing');
  }
  if (typeof id !== 'string' && typeof id !== 'number') {
    refuseParameter('`id` parameter must be a string or integer');
  }
  const text = String(id);
  const found = isId('message', text)
    ? await messages.get(projectId, text)
    : await findByNumber(messages, projectId, Number(text));
  return found ?? refuse('MessageNotFound', 'No message found matching provided ID');
}

async function findByNumber(
  messages: Pick<Messages, 'list'>,
  projectId: string,
  number: number,
): Promise<MessageRecord | null> {
  if (!Number.isSafeInteger(number) || number < CHANCE) return null;
  const atMs = Math.floor(number / CHANCE);
  const lowest = lowestIdAt('message', atMs);
  let beforeId = lowestIdAt('message', atMs + 1);
  for (let page = 0; page < MAX_PAGES; page++) {
    const { rows } = await messages.list({ ...ANY_MESSAGE, projectId, limit: PAGE, beforeId });
    const found = rows.find((row) => row.id >= lowest && numberFor(row.id) === number);
    if (found !== undefined) return found;
    const last = rows.at(-1);
    if (last === undefined || last.id < lowest || rows.length < PAGE) return null;
    beforeId = last.id;
  }
  return null;
}
