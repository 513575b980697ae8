import assert from 'node:assert/strict';
import test from 'node:test';
import { fillTemplate, type MergeTarget, type MergeValues, parseTemplate } from './merge-fields.ts';

function merge(text: string, values: MergeValues, target: MergeTarget = 'plain'): string | null {
  const { template } = parseTemplate(text, target);
  assert.ok(template !== null, text);
  return fillTemplate(template, values).text;
}

test('a field is put in wherever it stands, with and without spaces', () => {
  assert.equal(merge('{{a}} and {{ b }}{{a}}', { a: 'x', b: 7 }), 'x and 7x');
  assert.equal(merge('{ no } }} field', {}), '{ no } }} field');
  assert.equal(merge('{{yes}}', { yes: false }), 'false');
});

test('a fallback stands for a value that is missing or empty', () => {
  assert.equal(merge('Hello {{name|there}}', {}), 'Hello there');
  assert.equal(merge('Hello {{ name | dear customer }}', { name: '' }), 'Hello dear customer');
  assert.equal(merge('Hello {{name|there}}', { name: 'Mila' }), 'Hello Mila');
  assert.equal(merge('[{{name|}}]', {}), '[]');
  assert.equal(merge('[{{name}}]', { name: '' }), '[]');
});

test('a field without value and fallback is named', () => {
  const { template } = parseTemplate('{{a}} {{b}}', 'plain');
  assert.ok(template !== null);
  assert.deepEqual(fillTemplate(template, { a: 'x' }), { text: null, missing: 'b' });
});

test('what every object has is no value', () => {
  for (const name of ['constructor', '__proto__', 'toString']) {
    assert.equal(merge(`{{${name}}}`, {}), null, name);
  }
});

test('in HTML a value is text, whatever it holds, and so is a fallback', () => {
  const evil = `"><script>alert('1')</script>&`;
  const safe = '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;';
  assert.equal(
    merge('<a title="{{t}}">{{t}}</a>', { t: evil }, 'html'),
    `<a title="${safe}">${safe}</a>`,
  );
  assert.equal(merge('{{t|<b>}}', {}, 'html'), '&lt;b&gt;');
  assert.equal(merge('{{t}}', { t: evil }), evil);
});

test('in a URL a value is percent-encoded', () => {
  assert.equal(
    merge('https://a.example/?t={{t}}', { t: 'a&b=/\ud800' }, 'url'),
    'https://a.example/?t=a%26b%3D%2F%EF%BF%BD',
  );
});

test('a value is not read again', () => {
  assert.equal(merge('{{a}}', { a: '{{b}} $& $1', b: 'x' }), '{{b}} $& $1');
});

test('braces that are no field are refused', () => {
  for (const text of [
    '{{first name}}',
    '{{}}',
    '{{{html}}}',
    '{{a',
    '{{1}}',
    '{{#if a}}',
    `{{${'x'.repeat(65)}}}`,
  ]) {
    assert.match(parseTemplate(text, 'plain').fault ?? '', /is no merge field/, text);
  }
});
