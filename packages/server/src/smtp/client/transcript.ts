import type { TranscriptLine } from '../transmission.ts';

/** Writes down one attempt. Bounded: a beginning and an end are kept, and what lies between is counted. */
export interface Transcript {
  client(text: string): void;
  server(text: string): void;
  note(text: string): void;
  lines(): TranscriptLine[];
}

const MAX_LINE_CHARS = 500;
/** A transaction for one recipient has 600 to 1,200 characters, one for a hundred 12,000. */
const MAX_HEAD_CHARS = 6_000;
const MAX_TAIL_CHARS = 2_000;

export function createTranscript(nowMs: () => number): Transcript {
  const startedMs = nowMs();
  const head: TranscriptLine[] = [];
  const tail: TranscriptLine[] = [];
  let headChars = 0;
  let tailChars = 0;
  let leftOut = 0;

  function add(from: TranscriptLine['from'], given: string): void {
    const text = given.length > MAX_LINE_CHARS ? `${given.slice(0, MAX_LINE_CHARS - 1)}…` : given;
    const line = { atMs: Math.max(0, Math.round(nowMs() - startedMs)), from, text };
    if (tail.length === 0 && headChars + text.length <= MAX_HEAD_CHARS) {
      head.push(line);
      headChars += text.length;
      return;
    }
    tail.push(line);
    tailChars += text.length;
    while (tailChars > MAX_TAIL_CHARS) {
      tailChars -= tail.shift()?.text.length ?? tailChars;
      leftOut += 1;
    }
  }

  return {
    client: (text) => add('client', text),
    server: (text) => add('server', text),
    note: (text) => add('note', text),
    lines() {
      if (leftOut === 0) return [...head, ...tail];
      const atMs = tail[0]?.atMs ?? 0;
      const gap = { atMs, from: 'note' as const, text: `${leftOut} lines are left out` };
      return [...head, gap, ...tail];
    },
  };
}
