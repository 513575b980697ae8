/**
 * `npm run score:providers [-- part-of-a-name ...]`: decodes the payloads of shared/corpora/
 * provider-webhooks and holds what comes out against what is expected there. Prints every miss, a line
 * for each provider, and as its last line JSON. Where the expectation contradicts the vendor's page,
 * the vendor wins: such fields are counted apart, with the reason (docs/providers.md).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DecodedEvent, findProvider, type Provider } from '@posthorn/sdk';
import { explainVendor } from './score-providers-exceptions.ts';

const FOLDER = join(
  import.meta.dirname,
  '..',
  '..',
  'shared',
  'corpora',
  'provider-webhooks',
  'symfony',
);
const GOAL_PERCENT = 98;

/** An event as Symfony Mailer expects it. */
interface ExpectedEvent {
  name: string;
  id: string;
  recipient: string;
  date_format?: string;
  date_raw: string | number;
  reason?: string;
  tags?: string[];
  metadata?: unknown;
}

export interface Miss {
  file: string;
  field: string;
  expected: unknown;
  actual: unknown;
  /** Why the vendor's page says otherwise; `null` for a real miss. */
  vendor: string | null;
}

export interface Score {
  provider: string;
  fields: number;
  right: number;
  misses: Miss[];
}

/** Which of our types may stand for one of theirs. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  received: ['email.accepted', 'email.sent'],
  delivered: ['email.delivered'],
  deferred: ['email.deferred'],
  bounce: ['email.bounced'],
  dropped: ['email.rejected', 'email.failed'],
  open: ['email.opened'],
  click: ['email.clicked'],
  spam: ['email.complained'],
  unsubscribe: ['email.unsubscribed'],
};

/** `null` where the corpus is not there. */
export function scoreProviders(filters: readonly string[] = []): Score[] | null {
  if (!existsSync(FOLDER)) return null;
  return readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ folder: name, provider: findProvider(name) }))
    .filter(
      ({ folder }) =>
        filters.length === 0 || filters.some((one) => folder.toLowerCase().includes(one)),
    )
    .map(({ folder, provider }) => scoreFolder(folder, provider));
}

function scoreFolder(folder: string, provider: Provider | undefined): Score {
  if (provider === undefined) throw new Error(`No provider is called ${folder}.`);
  const score: Score = { provider: provider.name, fields: 0, right: 0, misses: [] };
  for (const file of readdirSync(join(FOLDER, folder))) {
    if (!file.endsWith('.json') || file.endsWith('.expected.json')) continue;
    scoreFile(score, provider, join(FOLDER, folder), file);
  }
  return score;
}

function scoreFile(score: Score, provider: Provider, folder: string, file: string): void {
  const read = (name: string) => readFileSync(join(folder, name));
  const expected: ExpectedEvent[] = JSON.parse(
    read(file.replace(/json$/, 'expected.json')).toString(),
  );
  const events = provider.decode({ method: 'POST', url: '', headers: {}, body: read(file) });
  expected.forEach((one, index) => {
    const event = events[index];
    for (const [field, isRight, actual] of compare(one, event)) {
      score.fields += 1;
      if (isRight) {
        score.right += 1;
        continue;
      }
      const value = Reflect.get(one, field === 'date' ? 'date_raw' : field);
      const vendor = explainVendor(provider.name, file, field);
      if (vendor !== null) score.right += 1;
      score.misses.push({
        file: `${score.provider}/${file}`,
        field,
        expected: value,
        actual,
        vendor,
      });
    }
  });
}

type Comparison = [field: string, isRight: boolean, actual: unknown];

function compare(expected: ExpectedEvent, event: DecodedEvent | undefined): Comparison[] {
  const data = event?.data ?? {};
  const ids = [data.message?.provider_id, data.message?.smtp_id, data.provider_event_id];
  const comparisons: Comparison[] = [
    ['name', TYPES[expected.name]?.includes(event?.type ?? '') ?? false, event?.type],
    ['id', ids.includes(String(expected.id)), ids],
    ['recipient', data.recipient === expected.recipient, data.recipient],
    ['date', isSameTime(expected, event?.timestamp ?? null), event?.timestamp],
  ];
  if (expected.reason) {
    const said = [data.delivery?.response, data.bounce?.description, data.reject?.reason];
    const wanted = expected.reason.replace(/\s*[\r\n]+\s*/g, ' ');
    comparisons.push(['reason', said.some((one) => one?.includes(wanted) ?? false), said]);
  }
  if (expected.tags) comparisons.push(['tags', isSame(data.tags, expected.tags), data.tags]);
  if (expected.metadata)
    comparisons.push(['metadata', isSame(data.metadata, expected.metadata), data.metadata]);
  return comparisons;
}

/** To the second where the expectation has no fraction, otherwise to the microsecond. */
function isSameTime({ date_raw }: ExpectedEvent, timestamp: string | null): boolean {
  if (timestamp === null) return false;
  const [seconds = '', fraction] = splitTime(date_raw);
  const [ourSeconds, ourFraction = ''] = splitTime(timestamp);
  if (seconds !== ourSeconds) return false;
  return (
    fraction === undefined || fraction.padEnd(6, '0') === ourFraction.slice(0, 6).padEnd(6, '0')
  );
}

/** Seconds since the epoch and the digits after them. */
function splitTime(written: string | number): string[] {
  const text = String(written);
  if (/^\d+(\.\d+)?$/.test(text)) return text.split('.');
  const fraction = /\.(\d+)/.exec(text)?.[1];
  const seconds = String(Math.floor(Date.parse(text) / 1_000));
  return fraction === undefined ? [seconds] : [seconds, fraction];
}

/** PHP writes an empty object as an empty list. */
function isSame(actual: unknown, expected: unknown): boolean {
  const plain = (value: unknown): string => {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return '{}';
    return JSON.stringify(value);
  };
  return plain(actual) === plain(expected) || (plain(expected) === '{}' && isEmpty(actual));
}

const isEmpty = (value: unknown) =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

const percent = ({ right, fields }: { right: number; fields: number }) =>
  fields === 0 ? 100 : Math.round((right / fields) * 10_000) / 100;

function main(filters: readonly string[]): number {
  const print = (text: string) => process.stdout.write(`${text}\n`);
  const scores = scoreProviders(filters.map((one) => one.toLowerCase()));
  if (scores === null) {
    print('skipped: shared/corpora/provider-webhooks is not here');
    return 0;
  }
  for (const { file, field, expected, actual, vendor } of scores.flatMap(({ misses }) => misses)) {
    const what = `${file} ${field}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`;
    print(vendor === null ? `MISS   ${what}` : `vendor ${what} (${vendor})`);
  }
  for (const score of scores) {
    print(
      `${score.provider.padEnd(14)} ${String(score.right).padStart(4)} of ${String(score.fields).padStart(4)}  ${percent(score)}%`,
    );
  }
  const total = {
    fields: scores.reduce((sum, one) => sum + one.fields, 0),
    right: scores.reduce((sum, one) => sum + one.right, 0),
  };
  const byVendor = scores
    .flatMap(({ misses }) => misses)
    .filter(({ vendor }) => vendor !== null).length;
  // By the letter of the corpus: what the vendors contradict counts as wrong.
  const strict = percent({ right: total.right - byVendor, fields: total.fields });
  print(
    JSON.stringify({
      ...total,
      percent: percent(total),
      by_vendor: byVendor,
      strict_percent: strict,
      goal_percent: GOAL_PERCENT,
    }),
  );
  return strict >= GOAL_PERCENT ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) process.exitCode = main(process.argv.slice(2));
