/** A link in plain text. */
export interface TextLink {
  start: number;
  end: number;
  url: string;
}

/**
 * Pure: links of a text whose characters stand for bytes. What ends a sentence, and a bracket that the
 * link did not open, do not belong to it.
 */
export function findTextLinks(text: string, decode: (bytes: string) => string): TextLink[] {
  const links: TextLink[] = [];
  for (const { 0: found, index } of text.matchAll(
    /(?:https?:\/\/[^\s<>"\u0000-\u001f]+|posthorn:unsubscribe)/gi,
  )) {
    const url = trimEnd(found);
    links.push({ start: index, end: index + url.length, url: decode(url) });
  }
  return links;
}

function trimEnd(found: string): string {
  let url = found;
  for (;;) {
    const last = url.at(-1) ?? '';
    const isUnopened = (last === ')' && !url.includes('(')) || (last === ']' && !url.includes('['));
    if (!isUnopened && !/[.,;:!?'*]/.test(last)) return url;
    url = url.slice(0, -1);
  }
}
