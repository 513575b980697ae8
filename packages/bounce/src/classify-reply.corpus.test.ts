import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { classifyReply } from './classify-reply.ts';
import { parseSmtpReply } from './smtp-reply.ts';

/** A public set of labelled bounces, kept outside the project (sisimai's, BSD-2). Read only here. */
const CORPUS = fileURLToPath(new URL('../../../../shared/corpora/bounces', import.meta.url));
const skip = existsSync(`${CORPUS}/labels.json`)
  ? false
  : 'allowed: the folder shared/corpora is not here';

interface Label {
  file: string;
  reason: string;
  hard: boolean;
}

/** The first smtp Diagnostic-Code and Status of a DSN: a line scan, enough for one reply. */
function scanDsn(
  file: string,
): { diagnostic: string; status: string | null; stage?: 'reply' } | null {
  const source = readFileSync(`${CORPUS}/mail/${file}`, 'latin1').replace(/\r?\n[ \t]+/g, '\n ');
  const unfolded = source.replace(/\n /g, ' ');
  const diagnostic = /^Diagnostic-Code:\s*smtp\s*;\s*(.*)$/im.exec(unfolded)?.[1];
  if (diagnostic === undefined) return null;
  const status = /^Status:\s*([245]\.\d+\.\d+)/im.exec(unfolded)?.[1] ?? null;
  // Postfix and sendmail say which command was refused.
  const afterData = /in reply to (?:end of )?DATA|^>>> (?:DATA|\.)\s*\n<<< 5/im.test(source);
  return { diagnostic, status, ...(afterData ? { stage: 'reply' } : {}) };
}

test('tells the hard bounces of a labelled corpus from the soft ones', { skip }, (t) => {
  const labels = JSON.parse(readFileSync(`${CORPUS}/labels.json`, 'utf8')) as Label[];
  let truePositive = 0;
  let falsePositive = 0;
  let falseNegative = 0;
  let right = 0;
  let total = 0;
  for (const label of labels) {
    if (labels.filter((other) => other.file === label.file).length > 1) continue;
    const dsn = scanDsn(label.file);
    if (dsn === null) continue;
    const reply = parseSmtpReply(dsn.diagnostic);
    const enhancedCode = reply.enhancedCode ?? dsn.status;
    const found = classifyReply({
      code: reply.code,
      enhancedCode,
      text: reply.text,
      stage: dsn.stage,
    });
    const hard = found.type === 'hard';
    total += 1;
    if (hard === label.hard) right += 1;
    if (hard && label.hard) truePositive += 1;
    if (hard && !label.hard) falsePositive += 1;
    if (!hard && label.hard) falseNegative += 1;
  }
  const precision = truePositive / (truePositive + falsePositive);
  const recall = truePositive / (truePositive + falseNegative);
  t.diagnostic(
    `${total} replies: right ${((100 * right) / total).toFixed(1)}%, hard precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}`,
  );
  // Floors a little below what is reached; the labels themselves call some "User unknown" soft.
  assert.ok(precision >= 0.83, `precision ${precision}`);
  assert.ok(recall >= 0.88, `recall ${recall}`);
});
