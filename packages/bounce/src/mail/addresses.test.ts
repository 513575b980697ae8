import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findAddresses } from './addresses.ts';

const found = (text: string) => findAddresses(text).map(({ address }) => address);

test('finds addresses in the forms in which notices write them', () => {
  const cases: Record<string, string[]> = {
    '<Bob@Dest.Example>:': ['Bob@dest.example'],
    'bob@dest.example: 550 x': ['bob@dest.example'],
    '[SMTP:bob@dest.example]': ['bob@dest.example'],
    'bob@dest.example<mailto:bob@dest.example>': ['bob@dest.example', 'bob@dest.example'],
    "'bob@dest.example'.": ['bob@dest.example'],
    '"bob smith"@dest.example': ['"bob smith"@dest.example'],
    'bob@[192.0.2.1] said': ['bob@[192.0.2.1]'],
    'bounce+bob=dest.example@shop.example': ['bounce+bob=dest.example@shop.example'],
    'jürgen@bücher.example': ['jürgen@bücher.example'],
    'a@b.example,c@d.example': ['a@b.example', 'c@d.example'],
    'no address @ all, nor here@': [],
    '@dest.example': [],
  };
  for (const [text, expected] of Object.entries(cases)) {
    assert.deepEqual(found(text), expected, text);
  }
});

test('finds only what stands in the text, in order', () => {
  const words = fc.array(
    fc.constantFrom('a@b.c', '@', '<', '>', ' ', '"', '[', ']', '.', 'x', '\n'),
    {
      maxLength: 50,
    },
  );
  fc.assert(
    fc.property(words, (pieces) => {
      const text = pieces.join('');
      let last = 0;
      for (const { address, start, end } of findAddresses(text)) {
        assert.ok(start >= last);
        assert.equal(address.toLowerCase(), text.slice(start, end).toLowerCase());
        last = end;
      }
    }),
  );
});
