/** What a person would read of an HTML page, one line for each block. One pass, no throw. */

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ouml: 'ö',
  uuml: 'ü',
  auml: 'ä',
  szlig: 'ß',
  eacute: 'é',
  egrave: 'è',
};

const BLOCKS = /^\/?(?:p|div|br|tr|td|li|ul|ol|h[1-6]|table|pre|hr|blockquote)\b/i;
const INVISIBLE = ['style', 'script', 'head'];

/** Only the first characters are read: notices are short, and pages of attackers are not. */
const MAX_CHARS = 200_000;

export function htmlToText(html: string): string {
  const source = html.slice(0, MAX_CHARS);
  // Searched in lower case, once, so that a page full of open tags costs no more than any other.
  const lower = source.toLowerCase();
  const out: string[] = [];
  let position = 0;
  while (position < source.length) {
    const open = source.indexOf('<', position);
    if (open === -1) break;
    out.push(source.slice(position, open));
    const close = source.indexOf('>', open);
    if (close === -1) {
      position = source.length;
      break;
    }
    const tag = source.slice(open + 1, Math.min(close, open + 40));
    if (BLOCKS.test(tag)) out.push('\n');
    // An address in angle brackets that nobody escaped is text, not a tag.
    if (/^[^\s/!]{1,38}@/.test(tag)) out.push(source.slice(open, close + 1));
    position = afterInvisible(lower, tag, close + 1);
  }
  out.push(source.slice(position));
  return decodeEntities(out.join(''))
    .replace(/[ \t\u00a0]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n');
}

function afterInvisible(lower: string, tag: string, position: number): number {
  const name = INVISIBLE.find((candidate) => tag.toLowerCase().startsWith(candidate));
  if (name === undefined || /^header/i.test(tag)) return position;
  const end = lower.indexOf(`</${name}`, position);
  // Never closed: the rest is text, and the search is not repeated from every such tag on.
  return end === -1 ? lower.length : end;
}

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi, (all, ...groups) => {
    const [decimal, hex, name] = groups as (string | undefined)[];
    if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? all;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
