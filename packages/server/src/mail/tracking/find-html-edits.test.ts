import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyEdits, findHtmlEdits } from './find-html-edits.ts';

const find = (html: string) => findHtmlEdits(html, (bytes) => bytes);
const urlsOf = (html: string) =>
  find(html).flatMap((edit) => (edit.kind === 'link' ? [edit.url] : []));
const rewrite = (html: string) =>
  applyEdits(html, find(html), ({ kind }) =>
    kind === 'link' ? '"T"' : kind === 'remove' ? '' : '<img>',
  );

test('finds links whatever their quotes, case and entities', () => {
  const html = `<a href="https://a.example/?x=1&amp;y=2">1</a><A  HREF = 'https://b.example'>2</A>
    <area href=https://c.example/?q=1 shape=rect><a class="x" href="&#104;ttps://d.example"/>`;
  assert.deepEqual(urlsOf(html), [
    'https://a.example/?x=1&y=2',
    'https://b.example',
    'https://c.example/?q=1',
    'https://d.example',
  ]);
});

test('changes the values of links, and nothing else', () => {
  assert.equal(
    rewrite(
      '<BODY ><A\n class=x HREF = \'u\' title="a>b">x</A>&nbsp;<a href=u >y</a>\r\n</BODY ></html>',
    ),
    '<BODY ><A\n class=x HREF = "T" title="a>b">x</A>&nbsp;<a href="T" >y</a>\r\n<img></BODY ></html>',
  );
});

test('leaves comments, scripts, styles and other elements alone', () => {
  const html = `<!-- <a href="https://1"> --><script>"<a href='https://2'>"</script>
    <style>/*<a href="https://3">*/</style><link href="https://4"><img src="https://5">
    <textarea><a href="https://6"></textarea><a name="https://7">`;
  assert.deepEqual(urlsOf(html), []);
});

test('a link with the attribute stays as it is, and the attribute goes', () => {
  for (const attribute of [
    'data-posthorn-notrack',
    'data-posthorn-notrack=""',
    'DATA-POSTHORN-NOTRACK=1',
  ]) {
    assert.equal(rewrite(`<a ${attribute} href="u">x</a></body>`), '<a href="u">x</a><img></body>');
    assert.equal(rewrite(`<a href="u" ${attribute}>x</a></body>`), '<a href="u">x</a><img></body>');
  }
});

test('the pixel goes before the last end of the body, of the document, or to the end', () => {
  assert.equal(rewrite('<p>a</body></html>'), '<p>a<img></body></html>');
  assert.equal(rewrite('</body>a</BODY>'), '</body>a<img></BODY>');
  assert.equal(rewrite('<p>a</html>'), '<p>a<img></html>');
  assert.equal(rewrite('<p>a'), '<p>a<img>');
});

test('any text gives edits in their order, within it, that can be taken back', () => {
  const piece = fc.constantFrom(
    ...['<a href=', '"', "'", 'https://x.example/', '&amp;', '&', '>', '<', '/', '</a', '</body'],
    ...[' ', '\n', '<!--', '-->', '<script>', '</script>', 'data-posthorn-notrack', '=', '<a '],
  );
  const text = fc.array(fc.oneof(piece, fc.string({ unit: 'binary' }))).map((all) => all.join(''));
  fc.assert(
    fc.property(text, (html) => {
      const edits = find(html);
      let at = 0;
      for (const { start, end } of edits) {
        assert.ok(at <= start && start <= end && end <= html.length);
        at = end;
      }
      // Nothing between the edits is touched: with their own text in their places it is as it was.
      assert.equal(
        applyEdits(html, edits, ({ start, end }) => html.slice(start, end)),
        html,
      );
      // What is replaced is the value and nothing else.
      for (const edit of edits) {
        if (edit.kind !== 'link') continue;
        const value = html.slice(edit.start, edit.end).replace(/^(["'])(.*)\1$/s, '$2');
        if (!value.includes('&')) assert.equal(value.trim(), edit.url);
      }
    }),
    { numRuns: 2_000 },
  );
});
