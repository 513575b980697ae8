import type { StatsRates } from './totals.ts';

/** What a mailbox provider or a big sender publishes about rates; docs/analytics.md names the pages. */
export interface RateThreshold {
  rate: 'bounce' | 'complaint';
  publisher: string;
  /** Stay below it. */
  recommended: number;
  /** From here on mail suffers. */
  limit: number;
  source: string;
}

export const RATE_THRESHOLDS: readonly RateThreshold[] = [
  {
    rate: 'complaint',
    publisher: 'Gmail',
    recommended: 0.001,
    limit: 0.003,
    source: 'https://support.google.com/a/answer/81126',
  },
  {
    rate: 'complaint',
    publisher: 'Yahoo',
    recommended: 0.001,
    limit: 0.003,
    source: 'https://senders.yahooinc.com/best-practices/',
  },
  {
    rate: 'complaint',
    publisher: 'Amazon SES',
    recommended: 0.001,
    limit: 0.005,
    source: 'https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html',
  },
  {
    rate: 'bounce',
    publisher: 'Amazon SES',
    recommended: 0.05,
    limit: 0.1,
    source: 'https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html',
  },
];

export const RATE_LEVELS = ['unknown', 'good', 'warning', 'critical'] as const;
export type RateLevel = (typeof RATE_LEVELS)[number];

/** Few messages say little: one complaint of ten is no rate of 10%. */
export const MIN_VOLUME = 100;

export function toRateLevel(
  rate: number | null,
  threshold: Pick<RateThreshold, 'recommended' | 'limit'>,
  volume: number,
): RateLevel {
  if (rate === null || volume < MIN_VOLUME) return 'unknown';
  if (rate >= threshold.limit) return 'critical';
  return rate >= threshold.recommended ? 'warning' : 'good';
}

/** The worst that any publisher would say. */
export function worstLevel(rates: StatsRates, volume: number): RateLevel {
  const levels = RATE_THRESHOLDS.map((one) => toRateLevel(rates[one.rate], one, volume));
  return levels.reduce(
    (worst, level) => (RATE_LEVELS.indexOf(level) > RATE_LEVELS.indexOf(worst) ? level : worst),
    'unknown',
  );
}
