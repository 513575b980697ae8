export type TransferEncoding = '7bit' | '8bit' | 'binary' | 'quoted-printable' | 'base64';

/** A leaf of a message's MIME tree, by its place in the bytes. */
export interface Part {
  /** In lower case: `text/html`. */
  type: string;
  /** In lower case; `us-ascii` where it does not say. */
  charset: string;
  encoding: TransferEncoding;
  isAttached: boolean;
  /** Its header section, with the blank line. */
  headerStart: number;
  bodyStart: number;
  bodyEnd: number;
}

interface Entity {
  start: number;
  end: number;
}

/** Real mail nests three or four levels deep. */
const MAX_DEPTH = 20;
const MAX_PARTS = 1_000;
/** Changing what is inside would break the signature, or is impossible. */
const SEALED_TYPES = /^multipart\/(signed|encrypted)$/;

/** Pure: the parts of a message that are shown as text; not its attachments. */
export function findTextParts(raw: Buffer): Part[] {
  return findParts(raw).filter(
    ({ type, isAttached }) => !isAttached && (type === 'text/html' || type === 'text/plain'),
  );
}

/**
 * Pure: the parts of a message that can be written in another way. What is signed or encrypted, messages within the
 * message, and encodings that nobody knows are left out. Any bytes give an answer.
 */
export function findParts(raw: Buffer): Part[] {
  const found: Part[] = [];
  const visit = (entity: Entity, depth: number): void => {
    if (depth > MAX_DEPTH || found.length >= MAX_PARTS) return;
    const bodyStart = findBodyStart(raw, entity);
    if (bodyStart === null) return;
    const header = readHeader(raw.toString('latin1', entity.start, bodyStart));
    const [type = 'text/plain'] = [header['content-type']?.split(';')[0]?.trim().toLowerCase()];
    if (SEALED_TYPES.test(type)) return;
    if (type.startsWith('multipart/')) {
      const boundary = parameterOf(header['content-type'], 'boundary');
      if (boundary === null) return;
      for (const child of splitAt(raw, { start: bodyStart, end: entity.end }, boundary)) {
        visit(child, depth + 1);
      }
      return;
    }
    const encoding = toEncoding(header['content-transfer-encoding']);
    if (type.startsWith('message/') || encoding === null) return;
    found.push({
      type,
      charset: (parameterOf(header['content-type'], 'charset') ?? 'us-ascii').toLowerCase(),
      encoding,
      isAttached: /^\s*attachment\b/i.test(header['content-disposition'] ?? ''),
      headerStart: entity.start,
      bodyStart,
      bodyEnd: entity.end,
    });
  };
  visit({ start: 0, end: raw.length }, 0);
  return found;
}

function findBodyStart(raw: Buffer, { start, end }: Entity): number | null {
  // A part without any header begins with the blank line.
  if (raw[start] === 13 && raw[start + 1] === 10) return start + 2;
  const blank = raw.indexOf('\r\n\r\n', start);
  return blank === -1 || blank + 4 > end ? null : blank + 4;
}

/** The last of several fields of one name; values are unfolded. */
function readHeader(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const field of text.split(/\r\n(?![ \t])/)) {
    const colon = field.indexOf(':');
    if (colon < 1) continue;
    const name = field.slice(0, colon).trim().toLowerCase();
    if (name.startsWith('content-')) fields[name] = field.slice(colon + 1).replace(/\r\n/g, '');
  }
  return fields;
}

/** RFC 2045 5.1: a token or a quoted string. */
function parameterOf(value: string | undefined, name: string): string | null {
  const pattern = new RegExp(`;\\s*${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, 'i');
  const match = pattern.exec(value ?? '');
  if (match === null) return null;
  return match[1]?.replace(/\\(.)/g, '$1') ?? match[2] ?? null;
}

function toEncoding(value: string | undefined): TransferEncoding | null {
  const named = value?.trim().toLowerCase() ?? '7bit';
  const known = ['7bit', '8bit', 'binary', 'quoted-printable', 'base64'] as const;
  return known.find((one) => one === named) ?? null;
}

/** RFC 2046 5.1.1: the line end before a delimiter belongs to the delimiter. */
function splitAt(raw: Buffer, { start, end }: Entity, boundary: string): Entity[] {
  const parts: Entity[] = [];
  const delimiter = Buffer.from(`--${boundary}`, 'latin1');
  let open: number | null = null;
  let at = start;
  while (at < end) {
    const found = raw.indexOf(delimiter, at);
    if (found === -1 || found >= end) break;
    at = found + delimiter.length;
    const beginsLine = found === start || (raw[found - 1] === 10 && raw[found - 2] === 13);
    const lineEnd = raw.indexOf('\r\n', at);
    const rest = raw.toString('latin1', at, lineEnd === -1 ? end : Math.min(lineEnd, end));
    // Another boundary may begin with this one.
    if (!beginsLine || !/^(--)?[ \t]*$/.test(rest)) continue;
    if (open !== null) parts.push({ start: open, end: Math.max(open, found - 2) });
    open = null;
    if (rest.startsWith('--') || lineEnd === -1) return parts;
    open = lineEnd + 2;
    at = open;
  }
  // Cut off before its end: what is there counts.
  if (open !== null && open < end) parts.push({ start: open, end });
  return parts;
}
