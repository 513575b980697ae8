import { escapeHtml } from './page-frame.ts';

export interface RenderedPage {
  /** The text of the first heading. */
  title: string;
  html: string;
  /** The headings of the second level, for a list of contents. */
  sections: { id: string; title: string }[];
}

export interface RenderOptions {
  /** Where a link of the page leads when it is served; null makes plain text of it. */
  link(href: string): string | null;
}

const FENCE = /^```/;
const HEADING = /^(#{1,6}) +(.*)$/;
const ITEM = /^([-*]|\d{1,9}\.) +/;
const TABLE_RULE = /^\|?[ :|-]*-[ :|-]*$/;
const INDENT = '    ';

/**
 * Makes HTML of the Markdown that docs/ is written in (CommonMark with GitHub's tables): headings,
 * paragraphs, lists, tables, code, links, emphasis. Anything else comes out as the text that it is, and
 * every character of a page is escaped, so that no page can bring in markup.
 */
export function renderMarkdown(text: string, options: RenderOptions): RenderedPage {
  const sections: RenderedPage['sections'] = [];
  const slugs = new Map<string, number>();
  let title = '';
  const inline = (source: string): string => renderInline(source, options);

  function heading(marks: string, source: string): string {
    const plain = toPlainText(source);
    const slug = toSlug(plain);
    const seen = slugs.get(slug) ?? 0;
    slugs.set(slug, seen + 1);
    const id = seen === 0 ? slug : `${slug}-${seen}`;
    if (marks.length === 1 && title === '') title = plain;
    if (marks.length === 2) sections.push({ id, title: plain });
    return `<h${marks.length} id="${escapeHtml(id)}">${inline(source)}</h${marks.length}>`;
  }

  /** `isTight`: paragraphs of an item without blank lines stand without an element of their own. */
  function blocks(lines: readonly string[], isTight = false): string {
    const html: string[] = [];
    let at = 0;
    /** The lines from here on for which this holds; the first is taken anyway. */
    const takeWhile = (holds: (line: string, index: number) => boolean): string[] => {
      const start = at;
      do at++;
      while (at < lines.length && holds(lines[at] ?? '', at));
      return lines.slice(start, at);
    };
    while (at < lines.length) {
      const line = lines[at] ?? '';
      const [, marks, words = ''] = HEADING.exec(line) ?? [];
      if (line.trim() === '') at++;
      else if (FENCE.test(line)) {
        const [, ...inner] = takeWhile((one) => !FENCE.test(one));
        at++;
        html.push(code(inner));
      } else if (marks !== undefined) {
        at++;
        html.push(heading(marks, words));
      } else if (line.startsWith(INDENT)) {
        const inner = takeWhile((one) => one.startsWith(INDENT) || one.trim() === '');
        html.push(code(trimEnd(inner.map((one) => one.slice(INDENT.length)))));
      } else if (line.startsWith('|') && TABLE_RULE.test(lines[at + 1] ?? '')) {
        html.push(table(takeWhile((one) => one.startsWith('|'))));
      } else if (ITEM.test(line)) {
        html.push(list(takeWhile((one, index) => belongsToList(one, lines[index - 1] ?? ''))));
      } else {
        const words = inline(takeWhile((one) => !endsParagraph(one)).join('\n'));
        html.push(isTight ? words : `<p>${words}</p>`);
      }
    }
    return html.join('\n');
  }

  function table(rows: readonly string[]): string {
    const [head = '', , ...body] = rows;
    const cells = (row: string, open: string, close: string): string =>
      splitRow(row)
        .map((cell) => `${open}${inline(cell)}${close}`)
        .join('');
    const top = cells(head, '<th scope="col">', '</th>');
    const rest = body.map((row) => `<tr>${cells(row, '<td>', '</td>')}</tr>`);
    return `<table><thead><tr>${top}</tr></thead><tbody>${rest.join('')}</tbody></table>`;
  }

  function list(lines: readonly string[]): string {
    const items: string[][] = [];
    let width = 0;
    for (const line of lines) {
      const mark = ITEM.exec(line)?.[0];
      if (mark !== undefined) {
        width = mark.length;
        items.push([line.slice(width)]);
      } else {
        const indent = line.length - line.trimStart().length;
        items.at(-1)?.push(line.slice(Math.min(width, indent)));
      }
    }
    const isTight = items.every((item) => !trimEnd(item).includes(''));
    const name = /^\d/.test(lines[0] ?? '') ? 'ol' : 'ul';
    const rendered = items.map((item) => `<li>${blocks(item, isTight)}</li>`);
    return `<${name}>${rendered.join('')}</${name}>`;
  }

  const html = blocks(text.replaceAll('\r\n', '\n').split('\n'));
  return { title, html, sections };
}

const endsParagraph = (line: string): boolean =>
  line.trim() === '' || FENCE.test(line) || HEADING.test(line) || ITEM.test(line);

/** Behind a blank line only what is indented, or the next item; otherwise a line goes on lazily. */
const belongsToList = (line: string, before: string): boolean =>
  line.trim() === '' ||
  ITEM.test(line) ||
  line.startsWith('  ') ||
  (before.trim() !== '' && !endsParagraph(line));

const code = (lines: readonly string[]): string =>
  `<pre tabindex="0"><code>${escapeHtml(lines.join('\n'))}</code></pre>`;

function trimEnd(lines: readonly string[]): string[] {
  const last = lines.findLastIndex((line) => line.trim() !== '');
  return lines.slice(0, last + 1);
}

/** GitHub's cells: a pipe within one is written `\|`, also within code. */
const splitRow = (row: string): string[] =>
  row
    .trim()
    .replace(/^\||(?<!\\)\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));

const INLINE =
  /(`+)([\s\S]*?[^`])\1(?!`)|\[((?:`[^`]*`|[^[\]])*)\]\(([^()\s]+)\)|\*\*(?=\S)([\s\S]*?\S)\*\*|\*(?=\S)([^*]*?\S)\*|\\([!-/:-@[-`{-~])/g;

function renderInline(source: string, options: RenderOptions): string {
  let html = '';
  let end = 0;
  for (const match of source.matchAll(INLINE)) {
    const [whole, , span, label, href, strong, emphasis, escaped] = match;
    html += escapeHtml(source.slice(end, match.index));
    end = match.index + whole.length;
    if (span !== undefined) html += `<code>${escapeHtml(span.replaceAll('\n', ' ').trim())}</code>`;
    else if (label !== undefined) html += renderLink(label, href ?? '', options);
    else if (strong !== undefined) html += `<strong>${renderInline(strong, options)}</strong>`;
    else if (emphasis !== undefined) html += `<em>${renderInline(emphasis, options)}</em>`;
    else html += escapeHtml(escaped ?? '');
  }
  return html + escapeHtml(source.slice(end));
}

function renderLink(label: string, href: string, options: RenderOptions): string {
  const target = options.link(href);
  const words = renderInline(label, options);
  return target === null ? words : `<a href="${escapeHtml(target)}">${words}</a>`;
}

const toPlainText = (source: string): string =>
  source.replace(INLINE, (whole, _, span, label, _href, strong, emphasis) =>
    String(span ?? label ?? strong ?? emphasis ?? whole).replaceAll('`', ''),
  );

/** As GitHub makes the names of headings, so that links work there and here. */
const toSlug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
