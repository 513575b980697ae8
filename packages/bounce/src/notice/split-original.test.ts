import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitOriginal } from './split-original.ts';

const HEADERS = 'Message-ID: <1@x>\nDate: today\nSubject: x\nFrom: a@b\n';

test('knows where the returned message begins, announced or not', () => {
  for (const mark of [
    '--- Below this line is a copy of the message.',
    '----- Original message -----',
    '------ This is a copy of the message, including all the headers. ------',
    '   ----- Unsent message follows -----',
    '--- The header of the original message is following. ---',
    'Message headers follow.',
    '    Below is a copy of the original message:',
    'Original message headers:',
    '-----Ursprüngliche Nachricht-----',
    "-----Message d'origine-----",
    '',
  ]) {
    const { notice, original } = splitOriginal(`failed\n\n${mark}\n\n${HEADERS}`);
    assert.equal(notice.trim(), 'failed', mark);
    assert.equal(original, HEADERS, mark);
  }
});

test('takes neither a table about the message nor the conversation for the message', () => {
  for (const text of [
    'Your message\n\n  To:      bob@dest.example\n  Subject: Order\n  Sent:    today\n\ndid not reach bob@dest.example',
    'x\n   ----- Transcript of session follows -----\n550 User unknown',
    'x\n\nFrom: a@b\nTo: c@d\nSubject: e\n\ncould not be delivered',
  ]) {
    assert.deepEqual(splitOriginal(text), { notice: text, original: '' });
  }
});
