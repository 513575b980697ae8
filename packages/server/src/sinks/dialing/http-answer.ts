import { type ItemRefusal, type SinkHttpAnswer, SinkTrouble } from '../contract.ts';

/**
 * How long the destination asked to be left alone (RFC 9110 section 10.2.3), ms; null when it did not. A
 * time is read by the destination's own clock.
 */
export function retryAfterOf({ headers }: SinkHttpAnswer): number | null {
  const text = headers['retry-after'];
  if (text === undefined) return null;
  const seconds = Number(text);
  const untilMs = Date.parse(text) - Date.parse(headers['date'] ?? '');
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : untilMs;
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}

/**
 * Nothing when the status is one of success; otherwise SinkTrouble in the words of HTTP. `refused` is for
 * what another try will not change.
 */
export function checkAnswer(answer: SinkHttpAnswer): readonly ItemRefusal[] {
  const { status } = answer;
  if (status >= 200 && status < 300) return [];
  throw new SinkTrouble(codeOfStatus(status), `It answered ${status}${excerptOf(answer.text)}.`, {
    retryAfterMs: retryAfterOf(answer),
  });
}

export function codeOfStatus(status: number): SinkTrouble['code'] {
  if (status === 401 || status === 403) return 'credentials';
  // What has moved is as good as gone: nothing follows, and somebody has to write the new address.
  if (status === 404 || status === 410 || (status >= 300 && status < 400)) return 'not_found';
  if (status === 408) return 'timeout';
  if (status === 429) return 'rate_limited';
  if (status >= 500) return 'unavailable';
  return 'refused';
}

/** The beginning of what it said, on one line. */
function excerptOf(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim().slice(0, 300);
  return line === '' ? '' : `: ${line}`;
}

/** What is no JSON, such as an answer that is longer than what is read of it, leaves open what was done. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch (cause) {
    throw new SinkTrouble('unavailable', 'It answered with other than JSON.', { cause });
  }
}
