import type { CanonicalEvent } from '@posthorn/sdk';
import {
  type Check,
  type CheckContext,
  describe,
  draft,
  type Finding,
  fail,
  isTaken,
  pass,
  send,
  sendEvent,
  skip,
  withBody,
} from './check.ts';
import { readJson, SETTLE_MS } from './signature-checks.ts';

/** The seeds of the trade agree on it: acknowledge within a second, work afterwards. */
const FAST_MS = 1_000;
const POLLS = 10;

export const EVENT_CHECKS: readonly Check[] = [
  {
    name: 'fast_answer',
    title: 'Answers within a second',
    needs: 'acceptance',
    async run(context) {
      const durations: number[] = [];
      for (let i = 0; i < 3; i++) {
        durations.push((await sendEvent(context, context.newEvent())).durationMs);
      }
      const slowestMs = Math.round(Math.max(...durations));
      if (slowestMs <= FAST_MS) return pass(`The slowest of three took ${slowestMs} ms.`);
      return fail(
        `The slowest of three took ${slowestMs} ms.`,
        'Store the event, answer, and do the work afterwards: senders give up after 5 to 15 s and try again.',
      );
    },
  },
  {
    name: 'duplicate',
    title: 'A duplicate changes nothing',
    needs: 'acceptance',
    run: checkDuplicate,
  },
  {
    name: 'unknown_type',
    title: 'Takes a type that it does not know',
    needs: 'acceptance',
    run: (context) =>
      checkVariant(context, {
        change: renameType,
        what: 'an event of an unknown type',
        fix: 'Answer 2xx to types that you do not handle: a refusal is tried again for days, and new types come.',
      }),
  },
  {
    name: 'unknown_fields',
    title: 'Takes fields that it does not know',
    needs: 'acceptance',
    run: (context) =>
      checkVariant(context, {
        change: (entry) => ({ ...entry, added_tomorrow: { note: 'new', values: [1, null] } }),
        what: 'an event with an unknown field',
        fix: 'Read the fields that you need and pass over the others: formats grow.',
      }),
  },
  {
    name: 'out_of_order',
    title: 'Takes events out of order',
    needs: 'acceptance',
    async run(context) {
      const { data } = context.newEvent('email.opened');
      for (const type of ['email.opened', 'email.delivered', 'email.accepted'] as const) {
        const event = context.newEvent(type);
        const { message, recipient } = data;
        const same = { ...event, data: { ...event.data, message, recipient } } as CanonicalEvent;
        const reply = await sendEvent(context, same);
        if (isTaken(reply)) continue;
        return fail(
          `Refused ${type} of a message whose email.opened came first: ${describe(reply)}.`,
          'Take events in any order: the state of a message is a fold over them, and retries come late.',
        );
      }
      return pass('Took opened, delivered and accepted of one message in this order.');
    },
  },
];

async function checkDuplicate(context: CheckContext): Promise<Finding> {
  const { effects } = context;
  const before = await effects?.read();
  const event = context.newEvent();
  const first = await sendEvent(context, event);
  const after = effects === null ? undefined : await waitForChange(context, before);
  const again = await sendEvent(context, event);
  const crowd = context.newEvent();
  const many = await Promise.all(Array.from({ length: 5 }, () => sendEvent(context, crowd)));
  for (const reply of [first, again, ...many]) {
    if (isTaken(reply)) continue;
    return fail(
      `An event that came twice was answered with ${describe(reply)}.`,
      'Answer 2xx to an event that you have already: anything else makes the sender try again.',
    );
  }
  if (effects === null) {
    return pass('Took it twice, and five at once; what they did cannot be seen without --effects.');
  }
  if (after === before) {
    return skip(`The answer at --effects did not change when an event came ("${before}").`);
  }
  const afterCrowd = await waitForChange(context, after);
  await context.sleep(SETTLE_MS);
  const atEnd = await effects.read();
  const once = Number(after) - Number(before);
  // One handled event moves a count by `once`; of a text that is no count only the crowd's can be told.
  const expected = Number.isNaN(once) ? afterCrowd : String(Number(after) + once);
  if (atEnd === expected) return pass('Took it twice, and five at once; each was handled once.');
  return fail(
    `Two events, sent seven times in all, moved the effects from ${before} to ${atEnd}.`,
    'Keep the id of each event (unique, in the same transaction as its effect) and do nothing the second time.',
  );
}

/** What the effects are as soon as they are others; the same when they do not change. */
async function waitForChange(
  { effects, sleep }: CheckContext,
  before: string | undefined,
): Promise<string | undefined> {
  for (let i = 0; i < POLLS; i++) {
    const now = await effects?.read();
    if (now !== before) return now;
    await sleep(SETTLE_MS);
  }
  return before;
}

type Entry = Record<string, unknown>;

async function checkVariant(
  context: CheckContext,
  variant: { change: (entry: Entry) => Entry | null; what: string; fix: string },
): Promise<Finding> {
  const { what, fix } = variant;
  const written = draft(context, context.newEvent());
  const parsed = readJson(written.post.body);
  const entries: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  const changed = entries.map((one) => (isEntry(one) ? variant.change(one) : null));
  if (changed.includes(null))
    return skip(`The dialect ${context.writer.dialect} has no place for it.`);
  const body = JSON.stringify(Array.isArray(parsed) ? changed : changed[0]);
  const reply = await send(context, withBody(written, body));
  if (isTaken(reply)) return pass(`Took ${what}: ${describe(reply)}.`);
  return fail(`Refused ${what}: ${describe(reply)}.`, fix);
}

const isEntry = (value: unknown): value is Entry =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where dialects put the type. */
const TYPE_FIELDS = ['type', 'event', 'event_type', 'RecordType', 'eventType'];

function renameType(entry: Entry): Entry | null {
  const field = TYPE_FIELDS.find((one) => typeof entry[one] === 'string');
  return field === undefined ? null : { ...entry, [field]: 'invented.tomorrow' };
}
