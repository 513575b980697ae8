import { compile } from 'html-to-text';

/** Longer HTML is read up to here: the text is for those who see no HTML, and reading takes time. */
const MAX_CHARS = 500_000;

const convert = compile({
  // Lines are broken by the mail program, and by quoted-printable on the way.
  wordwrap: false,
  limits: { maxInputLength: MAX_CHARS, maxDepth: 200, ellipsis: '...' },
  selectors: [
    {
      selector: 'a',
      options: { ignoreHref: false, hideLinkHrefIfSameAsText: true, noAnchorUrl: true },
    },
    // A picture says what its alternative text says; a tracking pixel says nothing.
    { selector: 'img', options: { linkBrackets: false }, format: 'alternative' },
    { selector: 'table', format: 'dataTable', options: { uppercaseHeaderCells: false } },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({
      selector,
      options: { uppercase: false },
    })),
  ],
  formatters: {
    alternative(element, _walk, builder) {
      const text: unknown = element.attribs?.['alt'];
      if (typeof text === 'string' && text.trim() !== '') builder.addInline(text);
    },
  },
});

/** The text of an HTML body, for its `text/plain` alternative. Never throws. */
export function textFromHtml(html: string): string {
  const text = convert(html).trim();
  return text === '' ? '' : `${text}\n`;
}
