import assert from 'node:assert/strict';
import { test } from 'node:test';
import { htmlToText } from './html-text.ts';

test('gives each block a line, and leaves out what nobody sees', () => {
  assert.equal(
    htmlToText(
      '<html><head><title>x</title></head><style>a{}</style><p>Hello&nbsp;<b>you</b></p><table><tr><td>a</td><td>b</td></tr></table><script>1</script>',
    ).trim(),
    'Hello you\n\na\n\nb',
  );
});

test('keeps an address in bare brackets, and decodes references', () => {
  assert.equal(
    htmlToText('To <bob@dest.example>: &#533; &lt;x&gt; &#x2713; &nope;'),
    'To <bob@dest.example>: ȕ <x> ✓ &nope;',
  );
});

test('takes tags that are never closed for what they are', () => {
  assert.equal(htmlToText('a<b'), 'a');
  assert.equal(htmlToText('a<style>b'), 'a');
});
