/**
 * `npm run score:bounces [folder] [-- --half=develop|held-out] [--misses]`: how well `@posthorn/bounce`
 * reads a set of labelled bounce mails. The folder holds `labels.json` and `mail/`.
 *
 * Rules were written while looking at one half of the files only, chosen by the hash of their name; the
 * other half tells what to expect of mail that nobody has seen.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseReport, type ReportedRecipient } from '../packages/bounce/src/index.ts';

export interface Label {
  file: string;
  /** 1 is the first recipient that the mail reports. */
  index: number;
  /** The labeller's word for the cause. */
  reason: string;
  hard: boolean;
}

export interface Miss {
  file: string;
  index: number;
  problem: string;
}

export interface Score {
  recipients: number;
  found: number;
  hard: { truePositive: number; falsePositive: number; falseNegative: number };
  categories: { right: number; of: number };
  kinds: { right: number; of: number };
  misses: Miss[];
}

/** Labels that are no bounces: only their kind counts. */
const KIND_OF_REASON: Readonly<Record<string, readonly string[]>> = {
  // RFC 6591 reports of failed authentication complain of nobody.
  feedback: ['complaint', 'none'],
  vacation: ['auto-reply'],
  delivered: ['none'],
};

/** What we call the labeller's reasons. Where two of ours fit its one word, both are right. */
const CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  authfailure: ['policy'],
  badreputation: ['blocked', 'rate_limited'],
  blocked: ['blocked', 'connection_failure'],
  contenterror: ['content_rejected'],
  emailtoolarge: ['message_too_large'],
  exceedlimit: ['message_too_large'],
  expired: ['timeout', 'connection_failure', 'dns_failure'],
  failedstarttls: ['connection_failure', 'policy'],
  filtered: [
    'policy',
    'invalid_address',
    'mailbox_inactive',
    'content_rejected',
    'spam_content',
    'other',
  ],
  hasmoved: ['invalid_address'],
  hostunknown: ['invalid_domain'],
  mailboxfull: ['mailbox_full'],
  mailererror: ['other', 'policy', 'invalid_address'],
  mesgtoobig: ['message_too_large'],
  networkerror: ['connection_failure', 'dns_failure', 'other', 'timeout'],
  norelaying: ['relay_denied', 'policy'],
  notaccept: ['invalid_domain'],
  notcompliantrfc: ['content_rejected', 'policy'],
  onhold: ['other', 'mailbox_inactive', 'policy'],
  policyviolation: ['policy', 'content_rejected', 'spam_content'],
  ratelimited: ['rate_limited'],
  rejected: ['policy', 'blocked'],
  requireptr: ['blocked'],
  securityerror: ['policy', 'blocked', 'content_rejected'],
  spamdetected: ['spam_content', 'content_rejected', 'blocked'],
  speeding: ['rate_limited'],
  suspend: ['mailbox_inactive'],
  syntaxerror: ['other'],
  systemerror: ['other', 'timeout', 'dns_failure', 'connection_failure'],
  systemfull: ['other', 'mailbox_full'],
  toomanyconn: ['rate_limited'],
  undefined: ['other'],
  userunknown: ['invalid_address'],
  virusdetected: ['content_rejected'],
};

/** `develop` or `held-out`, the same on every machine. */
export function halfOf(file: string): 'develop' | 'held-out' {
  const [first = 0] = createHash('sha256').update(file).digest();
  return first % 2 === 0 ? 'develop' : 'held-out';
}

export function scoreBounces(labels: readonly Label[], read: (file: string) => Uint8Array): Score {
  const score: Score = {
    recipients: 0,
    found: 0,
    hard: { truePositive: 0, falsePositive: 0, falseNegative: 0 },
    categories: { right: 0, of: 0 },
    kinds: { right: 0, of: 0 },
    misses: [],
  };
  for (const label of labels) {
    const report = parseReport(read(label.file));
    const miss = (problem: string) =>
      score.misses.push({ file: label.file, index: label.index, problem });
    const kinds = KIND_OF_REASON[label.reason] ?? ['bounce'];
    score.kinds.of += 1;
    if (kinds.includes(report.kind)) score.kinds.right += 1;
    else miss(`kind ${report.kind}, not ${kinds.join(' or ')}`);
    const recipient = report.recipients[label.index - 1];
    if (KIND_OF_REASON[label.reason] === undefined) {
      scoreRecipient(score, label, recipient, miss);
    } else if (isHard(recipient)) {
      score.hard.falsePositive += 1;
      miss(`hard, but it is ${label.reason}`);
    }
  }
  return score;
}

function scoreRecipient(
  score: Score,
  label: Label,
  recipient: ReportedRecipient | undefined,
  miss: (problem: string) => void,
): void {
  score.recipients += 1;
  score.categories.of += 1;
  const hard = isHard(recipient);
  if (hard && label.hard) score.hard.truePositive += 1;
  if (hard && !label.hard) score.hard.falsePositive += 1;
  if (!hard && label.hard) score.hard.falseNegative += 1;
  if (recipient === undefined) {
    miss(`no recipient ${label.index} (${label.reason})`);
    return;
  }
  score.found += 1;
  const said = `${recipient.type} ${recipient.category} by ${recipient.rule}: ${recipient.diagnostic?.slice(0, 100)}`;
  if (hard !== label.hard)
    miss(`${label.hard ? 'missed hard' : 'FALSE HARD'} (${label.reason}): ${said}`);
  if (CATEGORIES[label.reason]?.includes(recipient.category ?? '')) score.categories.right += 1;
  else miss(`category (${label.reason}): ${said}`);
}

function isHard(recipient: ReportedRecipient | undefined): boolean {
  return recipient?.type === 'hard' && recipient.action === 'failed';
}

/** Precision, recall and their harmonic mean, of hard. */
export function hardFigures({ hard }: Score): { precision: number; recall: number; f1: number } {
  const { truePositive, falsePositive, falseNegative } = hard;
  const precision = truePositive / Math.max(1, truePositive + falsePositive);
  const recall = truePositive / Math.max(1, truePositive + falseNegative);
  return { precision, recall, f1: (2 * precision * recall) / Math.max(1e-9, precision + recall) };
}

export function describeScore(name: string, score: Score): string {
  const { precision, recall, f1 } = hardFigures(score);
  const percent = (part: number, of: number) =>
    of === 0 ? '-' : `${((100 * part) / of).toFixed(1)}%`;
  const { truePositive, falsePositive, falseNegative } = score.hard;
  const hasHard = truePositive + falsePositive + falseNegative > 0;
  const figures = `hard F1 ${f1.toFixed(3)} (precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)})`;
  return [
    name.padEnd(18),
    `recipients ${percent(score.found, score.recipients)} of ${score.recipients}`,
    hasHard ? figures : 'no hard ones',
    `category ${percent(score.categories.right, score.categories.of)}`,
    `kind ${percent(score.kinds.right, score.kinds.of)}`,
  ].join('  ');
}

/** `lhost-exim-03.eml` is mail of `exim`. */
function familyOf(file: string): string {
  return file.replace(/^(?:lhost|rhost)-/, '').replace(/(?:-\d+)?\.eml$/, '');
}

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { half: { type: 'string' }, misses: { type: 'boolean', default: false } },
  });
  const folder = positionals[0] ?? join(import.meta.dirname, '../../shared/corpora/bounces');
  if (!existsSync(join(folder, 'labels.json'))) {
    process.stderr.write(
      `There is no ${join(folder, 'labels.json')}. Name a folder that has one.\n`,
    );
    return 1;
  }
  const all = JSON.parse(readFileSync(join(folder, 'labels.json'), 'utf8')) as Label[];
  const labels = all.filter(
    ({ file }) => values.half === undefined || halfOf(file) === values.half,
  );
  const read = (file: string) => readFileSync(join(folder, 'mail', file));
  const print = (line: string) => process.stdout.write(`${line}\n`);
  if (!values.misses) {
    const families = Map.groupBy(labels, ({ file }) => familyOf(file));
    for (const [family, own] of families) print(describeScore(family, scoreBounces(own, read)));
  }
  for (const half of ['develop', 'held-out'] as const) {
    const own = labels.filter(({ file }) => halfOf(file) === half);
    if (own.length === 0) continue;
    const score = scoreBounces(own, read);
    print(`\n${describeScore(half, score)}`);
    for (const { file, index, problem } of score.misses) print(`  ${file} ${index}: ${problem}`);
  }
  return 0;
}

if (process.argv[1] === import.meta.filename) process.exitCode = main();
