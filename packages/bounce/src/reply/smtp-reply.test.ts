import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseSmtpReply } from './smtp-reply.ts';

test('reads the code, the enhanced code and the text of a reply', () => {
  assert.deepEqual(parseSmtpReply('550 5.1.1 <a@example.com>: User unknown'), {
    code: 550,
    enhancedCode: '5.1.1',
    text: '<a@example.com>: User unknown',
  });
});

test('joins the lines of a reply and drops the codes they repeat', () => {
  const reply = parseSmtpReply(
    '550-5.1.1 The account does not exist.\r\n550-5.1.1 Please check\r\n550 5.1.1 the address.',
  );
  assert.equal(reply.text, 'The account does not exist. Please check the address.');
});

test('drops repeated codes from a reply that a bounce message has folded', () => {
  const reply = parseSmtpReply('smtp; 550-5.1.1 The account 550-5.1.1 does not 550 5.1.1 exist');
  assert.deepEqual(reply, { code: 550, enhancedCode: '5.1.1', text: 'The account does not exist' });
});

test('finds the enhanced code that qmail puts at the end', () => {
  assert.equal(
    parseSmtpReply('550 sorry, no mailbox here by that name (#5.1.1)').enhancedCode,
    '5.1.1',
  );
});

test('reads the colons that Yahoo puts behind its codes', () => {
  assert.deepEqual(parseSmtpReply('550: 5.1.1 <bob@example.com>: User unknown'), {
    code: 550,
    enhancedCode: '5.1.1',
    text: '<bob@example.com>: User unknown',
  });
});

test('takes neither an address nor a version for an enhanced code', () => {
  assert.equal(parseSmtpReply('550 Rejected 5.9.2.1 by Exim 4.94.2').enhancedCode, null);
});

test('prefers the enhanced code of the class of the reply', () => {
  assert.equal(parseSmtpReply('550 2.1.5 odd, 5.2.2 full').enhancedCode, '5.2.2');
  assert.equal(parseSmtpReply('554 4.4.7 Message expired').enhancedCode, '4.4.7');
  assert.equal(parseSmtpReply('250 5.1.1 ok').enhancedCode, null);
});

test('reads the reply that another server is quoted with', () => {
  const reply = parseSmtpReply(
    "5.1.0 - Unknown address error 550-'5.2.2 <a@example.jp>... Mailbox Full' (delivery attempts: 0)",
  );
  assert.deepEqual([reply.code, reply.enhancedCode], [550, '5.2.2']);
});

test('has no code for text that carries none', () => {
  assert.deepEqual(parseSmtpReply('lost connection'), {
    code: null,
    enhancedCode: null,
    text: 'lost connection',
  });
});

test('answers any string, with no control character and within its bound', () => {
  const words = fc.array(fc.constantFrom('550', '5.1.1', '-', ' ', '\r\n', 'x', '\0', '4.2'), {
    maxLength: 60,
  });
  const any = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20_000 }),
    words.map((list) => list.join('')),
  );
  fc.assert(
    fc.property(any, (text) => {
      const reply = parseSmtpReply(text);
      assert.equal(/[\u0000-\u001f]/.test(reply.text), false);
      assert.equal(reply.text.length <= 8_192, true);
      assert.equal(reply.code === null || (reply.code >= 200 && reply.code < 600), true);
    }),
  );
});
