/** The header section of a message, field by field, in the words of RFC 6376. */
export interface HeaderField {
  /** In lower case. */
  name: string;
  /** Relaxed (3.4.2): `name:value` without a line end. */
  relaxed: string;
}

/**
 * Signed where they are there (RFC 6376 5.4.1), the last of several first. RFC 8058 4 wants both headers
 * of one-click unsubscribing.
 */
const SIGNED = [
  'from',
  'to',
  'cc',
  'subject',
  'date',
  'message-id',
  'reply-to',
  'sender',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'in-reply-to',
  'references',
  'auto-submitted',
  'list-id',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'feedback-id',
];

/**
 * Named once more than they are there, so that nobody can add another one without breaking the
 * signature (5.4, 8.15): mail programs show the one that was added.
 */
const OVERSIGNED = new Set([
  'from',
  'to',
  'cc',
  'subject',
  'date',
  'message-id',
  'reply-to',
  'mime-version',
  'content-type',
]);

/** Where the body begins; null for bytes that are no message. */
export function findBody(raw: Buffer): number | null {
  if (raw.indexOf('\r\n') === 0) return 2;
  const blank = raw.indexOf('\r\n\r\n');
  return blank === -1 ? null : blank + 4;
}

/** `text`: a header section as latin1, its last CRLF included, so that bytes above ASCII stay as they are. */
export function readHeaderFields(text: string): HeaderField[] {
  const fields: HeaderField[] = [];
  for (const field of text.split(/\r\n(?![ \t])/)) {
    const colon = field.indexOf(':');
    if (colon < 1) continue;
    const name = field.slice(0, colon).trimEnd().toLowerCase();
    fields.push({ name, relaxed: `${name}:${relaxValue(field.slice(colon + 1))}` });
  }
  return fields;
}

/** What is signed: the names for h=, and the relaxed fields that are there, each in its turn. */
export function selectSigned(fields: readonly HeaderField[]): { names: string[]; lines: string[] } {
  const names: string[] = [];
  const lines: string[] = [];
  for (const name of SIGNED) {
    const found = fields.filter((field) => field.name === name).reverse();
    for (const { relaxed } of found) {
      names.push(name);
      lines.push(relaxed);
    }
    if (OVERSIGNED.has(name)) names.push(name);
  }
  return { names, lines };
}

/** 3.4.2: unfolded, each run of white space one space, none at either end. */
export function relaxValue(value: string): string {
  return value
    .replace(/\r\n/g, '')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '');
}
