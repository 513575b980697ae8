import assert from 'node:assert/strict';
import test from 'node:test';
import { createTranscript } from './transcript.ts';

test('a transcript keeps who said what, and when', () => {
  let nowMs = 1_000;
  const transcript = createTranscript(() => nowMs);
  transcript.note('Connecting');
  nowMs = 1_012.6;
  transcript.server('220 mx.test');
  transcript.client('EHLO out.test');
  assert.deepEqual(transcript.lines(), [
    { atMs: 0, from: 'note', text: 'Connecting' },
    { atMs: 13, from: 'server', text: '220 mx.test' },
    { atMs: 13, from: 'client', text: 'EHLO out.test' },
  ]);
});

test('a long one keeps its beginning and its end, and says how much is missing', () => {
  const transcript = createTranscript(() => 0);
  for (let i = 0; i < 5_000; i++) transcript.server(`250 2.1.5 recipient ${i} is well`);
  const lines = transcript.lines();
  assert.equal(lines[0]?.text, '250 2.1.5 recipient 0 is well');
  assert.equal(lines.at(-1)?.text, '250 2.1.5 recipient 4999 is well');
  const sum = lines.reduce((chars, { text }) => chars + text.length, 0);
  assert.ok(sum < 8_100, `${sum} characters`);
  const gap = lines.find(({ from }) => from === 'note');
  assert.equal(gap?.text, `${5_000 - (lines.length - 1)} lines are left out`);
});

test('a long line is cut', () => {
  const transcript = createTranscript(() => 0);
  transcript.server('x'.repeat(4_000));
  const [line] = transcript.lines();
  assert.equal(line?.text.length, 500);
  assert.ok(line.text.endsWith('x…'));
});
