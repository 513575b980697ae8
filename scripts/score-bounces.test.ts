import assert from 'node:assert/strict';
import { test } from 'node:test';
import { halfOf, hardFigures, type Label, scoreBounces } from './score-bounces.ts';

const notice = (reply: string): Uint8Array =>
  new TextEncoder().encode(
    `From: MAILER-DAEMON@mx.example\nSubject: Undelivered mail\n\n<bob@dest.example>: ${reply}\n`,
  );

const MAILS: Record<string, Uint8Array> = {
  'unknown.eml': notice('550 5.1.1 User unknown'),
  'full.eml': notice('552 5.2.2 Mailbox full'),
  'ordinary.eml': new TextEncoder().encode('From: a@b.example\nSubject: Hi\n\nHello\n'),
};

const label = (file: string, reason: string, hard: boolean, index = 1): Label => ({
  file,
  reason,
  hard,
  index,
});

const score = (labels: Label[]) => scoreBounces(labels, (file) => MAILS[file] ?? new Uint8Array());

test('counts what was found, and how often hard was right', () => {
  const counted = score([
    label('unknown.eml', 'userunknown', true),
    label('unknown.eml', 'mailboxfull', false),
    label('full.eml', 'userunknown', true),
    label('full.eml', 'mailboxfull', false),
    label('unknown.eml', 'userunknown', true, 2),
  ]);
  assert.equal(counted.recipients, 5);
  assert.equal(counted.found, 4);
  assert.deepEqual(counted.hard, { truePositive: 1, falsePositive: 1, falseNegative: 2 });
  assert.deepEqual(counted.categories, { right: 2, of: 5 });
  const { precision, recall, f1 } = hardFigures(counted);
  assert.deepEqual([precision, recall.toFixed(3), f1.toFixed(3)], [0.5, '0.333', '0.400']);
});

test('names the file of every miss', () => {
  const { misses } = score([label('ordinary.eml', 'userunknown', true)]);
  assert.deepEqual(
    misses.map(({ file, problem }) => `${file}: ${problem}`),
    ['ordinary.eml: kind none, not bounce', 'ordinary.eml: no recipient 1 (userunknown)'],
  );
});

test('asks no more of complaints and answers than their kind, and that they are not hard', () => {
  const counted = score([
    label('ordinary.eml', 'delivered', false),
    label('unknown.eml', 'vacation', false),
  ]);
  assert.equal(counted.recipients, 0);
  assert.deepEqual(counted.kinds, { right: 1, of: 2 });
  assert.equal(counted.hard.falsePositive, 1);
});

test('puts each file into the same half every time', () => {
  const files = Array.from({ length: 100 }, (_, index) => `mail-${index}.eml`);
  const halves = files.map(halfOf);
  assert.deepEqual(files.map(halfOf), halves);
  const developed = halves.filter((half) => half === 'develop').length;
  assert.ok(developed > 30 && developed < 70);
});
