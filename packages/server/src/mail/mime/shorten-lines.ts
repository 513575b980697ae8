import { findParts, type Part } from './find-parts.ts';
import {
  applyPatches,
  decodePart,
  encodePart,
  encodingPatch,
  hasLongLine,
  MAX_LINE_BYTES,
  type Patch,
} from './transfer-encoding.ts';

/** Longer texts become base64: quoted-printable may be three times as long, and takes 80 ms a megabyte. */
const MAX_QUOTED_BYTES = 262_144;

/**
 * A message whose lines are as short as mail asks (998 bytes, RFC 5322 2.1.1): a server on the way may refuse
 * longer ones, or break them, and with them the signature. A part with longer ones gets another transfer encoding,
 * which hides none of its bytes from who reads it; a long header field is folded where it has white space. What
 * its sender has signed (DKIM, S/MIME, OpenPGP) stays as it is.
 *
 * @param raw each line ends with CR LF
 */
export function shortenLines(raw: Buffer): Buffer {
  if (!hasLongLine(raw)) return raw;
  const blank = raw.indexOf('\r\n\r\n');
  const header = raw.toString('latin1', 0, blank === -1 ? raw.length : blank + 2);
  if (/^dkim-signature[ \t]*:/im.test(header)) return raw;
  const recoded = findParts(raw)
    .filter(({ bodyStart, bodyEnd }) => hasLongLine(raw.subarray(bodyStart, bodyEnd)))
    .flatMap((part) => recode(raw, part));
  const needsVersion = recoded.length > 0 && !/^mime-version[ \t]*:/im.test(header);
  // Without it, nobody looks at how a part is encoded (RFC 2045 4).
  const version = { start: 0, end: 0, bytes: Buffer.from('MIME-Version: 1.0\r\n', 'latin1') };
  return applyPatches(raw, [...(needsVersion ? [version] : []), ...recoded, ...folds(header)]);
}

function recode(raw: Buffer, part: Part): Patch[] {
  const content = decodePart(raw, part);
  // Quoted-printable keeps line ends as they are, which stand for something else where a character has two bytes.
  const isQuotable =
    part.type.startsWith('text/') && content.length <= MAX_QUOTED_BYTES && !content.includes(0);
  const { body, encoding } = encodePart(content, isQuotable ? part.encoding : 'base64');
  const patch = { start: part.bodyStart, end: part.bodyEnd, bytes: body };
  return encoding === part.encoding ? [patch] : [encodingPatch(raw, part, encoding), patch];
}

/** Folding adds a line end before white space that is there (RFC 5322 2.2.3). */
function folds(header: string): Patch[] {
  return [...header.matchAll(/[^\r\n]+/g)].flatMap(({ 0: line, index }) =>
    findFolds(line).map((at) => {
      return { start: index + at, end: index + at, bytes: Buffer.from('\r\n', 'latin1') };
    }),
  );
}

/** Where a line is to be broken; a word that is too long by itself stays whole. */
function findFolds(line: string): number[] {
  const found: number[] = [];
  const end = line.trimEnd().length;
  let start = 0;
  while (line.length - start > MAX_LINE_BYTES) {
    let at = Math.min(start + MAX_LINE_BYTES, end - 1);
    while (at > start && !/[^ \t][ \t]/.test(line.slice(at - 1, at + 1))) at -= 1;
    if (at === start) at = line.slice(start + 1).search(/(?<=[^ \t])[ \t]+[^ \t]/) + start + 1;
    if (at === start) break;
    found.push(at);
    start = at;
  }
  return found;
}
