import assert from 'node:assert/strict';
import test from 'node:test';
import { foldText } from './fold-text.ts';

test('case, accents and the width of letters do not count', () => {
  const same = [
    ['Your RECEIPT', 'your receipt'],
    ['Résumé', 'resume'],
    ['Ｏｒｄｅｒ', 'order'],
    ['ÜBERSICHT', 'ubersicht'],
  ];
  for (const [a = '', b = ''] of same) assert.equal(foldText(a), foldText(b));
  assert.notEqual(foldText('straße'), foldText('strase'));
});
