import type { CanonicalEvent } from '@posthorn/sdk';
import type { SinkItem } from '../contract.ts';
import { type EventText, toEventText } from '../texts.ts';

/** Who reads on after so many has a reason to look into the log. */
const MAX_SHOWN = 50;
/** Of what an expression makes of one event. */
const MAX_SECTION_CHARS = 2_000;
const MAX_SUBJECT_CHARS = 200;
const MAX_LINE_CHARS = 800;
const GRAVEST_FIRST: readonly EventText['severity'][] = ['error', 'warning', 'info'];

interface Section {
  event: CanonicalEvent;
  subject: string;
  text: string;
  severity: EventText['severity'];
}

/**
 * One mail about all of these: the gravest first, and what is too much to be shown is counted. `ending` is
 * its last paragraph.
 */
export function writeDigest(
  items: readonly SinkItem[],
  ending: string,
): { subject: string; text: string } {
  const sections = items.map(toSection);
  const sorted = GRAVEST_FIRST.flatMap((grave) =>
    sections.filter(({ severity }) => severity === grave),
  );
  const [first] = sorted;
  const shown = sorted.slice(0, MAX_SHOWN);
  const rest = sorted.slice(MAX_SHOWN);
  const isOne = sections.length === 1;
  const counts = countTypes(sections);
  const lead = isOne ? [] : [`${sections.length} events, the gravest first: ${counts}.`];
  const left = rest.length === 0 ? [] : [`${rest.length} more are not shown: ${countTypes(rest)}.`];
  return {
    subject: oneLine(
      isOne && first !== undefined
        ? `[Posthorn] ${first.subject}`
        : `[Posthorn] ${sections.length} events: ${counts}`,
      MAX_SUBJECT_CHARS,
    ),
    text: `${[...lead, ...shown.map(({ text }) => text), ...left, `-- \n${ending}`].join('\n\n')}\n`,
  };
}

function toSection({ event, json, isMade }: SinkItem): Section {
  const { headline, facts, severity } = toEventText(event);
  const width = Math.max(0, ...facts.map(([name]) => name.length)) + 2;
  const usual = [
    headline,
    ...facts.map(([name, value]) => `  ${`${name}:`.padEnd(width)}${value}`),
  ];
  const own = isMade ? readOwn(JSON.parse(json)) : {};
  const text = own.text ?? usual.map((line) => oneLine(line, MAX_LINE_CHARS)).join('\n');
  return {
    event,
    severity,
    subject: own.subject ?? headline,
    text: cut(text.trimEnd(), MAX_SECTION_CHARS),
  };
}

/** What an expression has made: a text, or an object with `text` and `subject`; otherwise shown as it is. */
function readOwn(body: unknown): { subject?: string; text?: string } {
  if (typeof body === 'string') return { text: body };
  const { subject, text } = (body ?? {}) as { subject?: unknown; text?: unknown };
  return {
    ...(typeof subject === 'string' ? { subject } : {}),
    text: typeof text === 'string' ? text : JSON.stringify(body, null, 2),
  };
}

/** "12 email.bounced, 3 email.complained": the most frequent first. */
function countTypes(sections: readonly Section[]): string {
  const counts = new Map<string, number>();
  for (const { event } of sections) counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([type, count]) => `${count} ${type}`).join(', ');
}

/** What is in an event comes from outside: it makes no lines of its own where there is to be one. */
function oneLine(text: string, max: number): string {
  return cut(text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').trimEnd(), max);
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
