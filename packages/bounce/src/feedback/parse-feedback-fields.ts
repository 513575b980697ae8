import { firstAddress } from '../mail/addresses.ts';
import type { Feedback } from '../report.ts';

/** RFC 5965 section 3.2 and RFC 6591: one field a line, some of them more than once. */
const FIELD = /^([A-Za-z][A-Za-z0-9-]{2,60})[ \t]*:[ \t]*(.*)$/;

const MAX_VALUES = 1_000;

/** Reads the body of a `message/feedback-report` part, or the same fields in a plain text. */
export function parseFeedbackFields(text: string): Feedback {
  const fields = readFields(text);
  const all = (name: string) => fields.get(name) ?? [];
  const first = (name: string) => all(name)[0] ?? null;
  const incidents = Number(first('incidents') ?? Number.NaN);
  return {
    type: (first('feedback-type') ?? 'abuse').toLowerCase(),
    userAgent: first('user-agent'),
    version: first('version'),
    originalMailFrom: first('original-mail-from'),
    originalRecipients: recipientsOf([...all('original-rcpt-to'), ...all('original-recipient')]),
    arrivalDate: first('arrival-date') ?? first('received-date'),
    sourceIp: first('source-ip'),
    reportingMta: first('reporting-mta')?.replace(/^[\w-]{1,40}\s*;\s*/, '') ?? null,
    reportedDomains: all('reported-domain'),
    reportedUris: all('reported-uri'),
    authenticationResults: all('authentication-results'),
    incidents: Number.isSafeInteger(incidents) && incidents >= 0 ? incidents : null,
  };
}

/** Providers redact: `[redacted]`, `redacted@redacted.com`. What is no address is left out. */
function recipientsOf(values: string[]): string[] {
  const addresses = values.map(firstAddress).filter((address) => address !== null);
  return [...new Set(addresses.filter((address) => !isRedacted(address)))];
}

/** A placeholder that a provider puts where the address was (AOL's and Yahoo's loops). */
export function isRedacted(address: string): boolean {
  return /^(?:redacted|undisclosed|removed|hidden)@|@redacted\b|^x{3,}@x{3,}$/i.test(address);
}

function readFields(text: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  let last: string[] | null = null;
  for (const line of text.split('\n')) {
    const match = FIELD.exec(line);
    if (match !== null) {
      const name = (match[1] ?? '').toLowerCase();
      last = fields.get(name) ?? [];
      if (last.length < MAX_VALUES) last.push((match[2] ?? '').trim());
      fields.set(name, last);
    } else if (/^[ \t]+\S/.test(line) && last !== null && last.length > 0) {
      last[last.length - 1] = `${last.at(-1)} ${line.trim()}`.slice(0, 4_000);
    } else if (line.trim() === '') {
      last = null;
    }
  }
  return fields;
}
