import { QuoteType, Tokenizer } from 'htmlparser2';

/** A place in an HTML text that is changed in a tracked copy; everything else stays as it is. */
export type HtmlEdit =
  /** The value of a link's href, with its quotes. */
  | { kind: 'link'; start: number; end: number; url: string }
  /** An attribute that is for us alone, with the space before it. */
  | { kind: 'remove'; start: number; end: number }
  /** Where the pixel goes. */
  | { kind: 'pixel'; start: number; end: number };

/** On a link: it stays as it is. */
export const NO_TRACK_ATTRIBUTE = 'data-posthorn-notrack';

interface Link {
  href: Extract<HtmlEdit, { kind: 'link' }> | null;
  removal: HtmlEdit | null;
}

/**
 * Pure: the links of an HTML text and the place of the pixel (before the last `</body>` or `</html>`, or at
 * the end), in their order. Any text gives an answer; comments, scripts and styles hold no links. In
 * the text, each character stands for a byte, so that it may be in any charset that keeps ASCII;
 * `decode` makes characters of what stands in a link.
 */
export function findHtmlEdits(html: string, decode: (bytes: string) => string): HtmlEdit[] {
  const edits: HtmlEdit[] = [];
  let link: Link | null = null;
  let name = '';
  let nameStart = 0;
  let value = '';
  let pixelAt: { tag: 'body' | 'html'; at: number } | null = null;

  function endTag(): void {
    if (link?.removal) edits.push(link.removal);
    else if (link?.href) edits.push(link.href);
    link = null;
  }

  const tokenizer = new Tokenizer(
    { xmlMode: false, decodeEntities: true },
    {
      onopentagname(start, end) {
        const tag = html.slice(start, end).toLowerCase();
        link = tag === 'a' || tag === 'area' ? { href: null, removal: null } : null;
      },
      onattribname(start, end) {
        name = html.slice(start, end).toLowerCase();
        nameStart = start;
        value = '';
      },
      onattribdata(start, end) {
        value += decode(html.slice(start, end));
      },
      onattribentity(codepoint) {
        value += String.fromCodePoint(codepoint);
      },
      onattribend(quote, end) {
        if (link === null) return;
        if (name === NO_TRACK_ATTRIBUTE) {
          link.removal ??= { kind: 'remove', start: spaceBefore(html, nameStart), end };
        } else if (name === 'href' && link.href === null && quote !== QuoteType.NoValue) {
          const start = findValue(html, nameStart + name.length);
          link.href = { kind: 'link', start, end, url: value.trim() };
        }
      },
      onopentagend: endTag,
      onselfclosingtag: endTag,
      onclosetag(start, end) {
        const tag = html.slice(start, end).trim().toLowerCase();
        if (tag !== 'body' && tag !== 'html') return;
        if (tag === 'html' && pixelAt?.tag === 'body') return;
        // `start` is behind the `</`.
        pixelAt = { tag, at: start - 2 };
      },
      oncomment() {},
      oncdata() {},
      ondeclaration() {},
      onend() {},
      onprocessinginstruction() {},
      ontext() {},
      ontextentity() {},
    },
  );
  tokenizer.write(html);
  tokenizer.end();

  const place = pixelAt as { at: number } | null;
  const at = place?.at ?? html.length;
  edits.push({ kind: 'pixel', start: at, end: at });
  return edits.sort((a, b) => a.start - b.start);
}

/** Where a value begins, its quote included: entities hide that from the tokenizer's callbacks. */
function findValue(html: string, from: number): number {
  let start = html.indexOf('=', from) + 1;
  while (/\s/.test(html[start] ?? '')) start += 1;
  return start;
}

function spaceBefore(html: string, at: number): number {
  let start = at;
  while (start > 0 && /\s/.test(html[start - 1] ?? '')) start -= 1;
  return start;
}

/** The text with each edit replaced by what `render` says; null leaves it as it is. */
export function applyEdits<E extends { start: number; end: number }>(
  text: string,
  edits: readonly E[],
  render: (edit: E) => string | null,
): string {
  let [result, at] = ['', 0];
  for (const edit of edits) {
    const replacement = render(edit);
    if (replacement === null || edit.start < at) continue;
    result += text.slice(at, edit.start) + replacement;
    at = edit.end;
  }
  return result + text.slice(at);
}
