import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderMarkdown } from './render-markdown.ts';

const html = (text: string): string => renderMarkdown(text, { link: (href) => href }).html;

test('paragraphs, code, emphasis and links become what they are', () => {
  assert.equal(html('One\ntwo.\n\nThree.'), '<p>One\ntwo.</p>\n<p>Three.</p>');
  assert.equal(
    html('Use `a < b` and **both `c`**, *so*, snake_case and 2*3.'),
    '<p>Use <code>a &#60; b</code> and <strong>both <code>c</code></strong>, <em>so</em>, snake_case and 2*3.</p>',
  );
  assert.equal(
    html('[the `x`\npage](a.md#b)'),
    '<p><a href="a.md#b">the <code>x</code>\npage</a></p>',
  );
});

test('code keeps its bytes, fenced and indented', () => {
  const shown = '<pre tabindex="0"><code>a "&#60;b&#62;"\n\n  # no heading</code></pre>';
  const expected = shown.replaceAll('"&', '&#34;&').replace(';"\n', ';&#34;\n');
  assert.equal(html('```sh\na "<b>"\n\n  # no heading\n```'), expected);
  assert.equal(html('    a "<b>"\n\n      # no heading\n\nNext'), `${expected}\n<p>Next</p>`);
});

test('a table has its head, and a pipe that is escaped stays in its cell', () => {
  assert.equal(
    html('| a | b |\n|---|---|\n| `x\\|y` | |\n\nEnd'),
    '<table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead><tbody><tr><td><code>x|y</code></td><td></td></tr></tbody></table>\n<p>End</p>',
  );
});

test('items go on over lines, hold code and other lists, and end at the next paragraph', () => {
  assert.equal(
    html('- a\n  b\n- c\nlazy\n\nEnd'),
    '<ul><li>a\nb</li><li>c\nlazy</li></ul>\n<p>End</p>',
  );
  assert.equal(html('1. a\n   - b\n2. c'), '<ol><li>a\n<ul><li>b</li></ul></li><li>c</li></ol>');
  assert.equal(
    html('1. a:\n\n       code\n'),
    '<ol><li><p>a:</p>\n<pre tabindex="0"><code>code</code></pre></li></ol>',
  );
});

test('headings have the names that GitHub gives them, each its own', () => {
  const page = renderMarkdown(
    '# The `x`!\n## A new master key\n## A new master key\n## What, when?',
    {
      link: () => null,
    },
  );
  assert.equal(page.title, 'The x!');
  assert.deepEqual(
    page.sections.map(({ id }) => id),
    ['a-new-master-key', 'a-new-master-key-1', 'what-when'],
  );
});

test('a link that leads nowhere is plain text', () => {
  assert.equal(renderMarkdown('[x](y)', { link: () => null }).html, '<p>x</p>');
});

test('whatever a page says, it comes out escaped, and soon', () => {
  const piece = fc.constantFrom(
    '<b>',
    '"',
    '`',
    '```\n',
    '\n',
    '    ',
    '- ',
    '1. ',
    '| ',
    '|-|\n',
    '[',
    '](',
    ')',
    '**',
    '*',
    '# ',
    'x',
    '\\',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const names = [...html(pieces.join('')).matchAll(/<\/?([^ >]*)/g)].map(([, name]) => name);
      const known = /^(p|pre|code|ul|ol|li|table|thead|tbody|tr|th|td|a|strong|em|h1)$/;
      for (const name of names) assert.match(name ?? '', known);
    }),
  );
});
