import { createTokenBucket, type TokenBucket } from '../../lib/token-bucket.ts';
import { type DestinationLimit, limitFor } from './destination-limits.ts';

/** What a job says of its destination, whatever became of the message. */
export interface DestinationReport {
  verdict: PaceVerdict;
  /** The mail servers that it went to, if any were found; domains that share them share a pace. */
  site: string | null;
  /** Why nobody answered, or how less was asked for, in words. */
  reason: string;
}

export type PaceVerdict =
  /** It takes mail. */
  | 'good'
  /** It asks us to slow down. */
  | 'slow'
  /** Nobody answered. */
  | 'dead'
  | 'neutral';

/** The right to one transaction. `end` is called once. */
export interface PaceTicket {
  end(report: DestinationReport): void;
}

export type PaceAnswer =
  | { ticket: PaceTicket }
  /** Not now; by time alone in so many ms, and null where a transaction has to end first. */
  | { waitMs: number | null }
  /** It does not answer, or takes nothing for long: what waits for it is put off without being tried, for this. */
  | { suspended: string };

/**
 * How much a destination gets at a time, of this node.
 *
 * A window of transactions grows by one for each round of good ones, and is halved when the destination
 * asks for less (additive increase, multiplicative decrease, as TCP does); with the first such answer
 * of a round it is also left alone for a while, twice as long each time. Answers to what was begun
 * before that count for nothing: they are about the old window. A destination that nobody answers for is
 * suspended with the second failure in a row, and one that has asked for less until the pause could grow no
 * more; either is tried again by one message at a time. A backlog that waited untried would outlive its expiry.
 */
export interface DestinationPace {
  start(domain: string): PaceAnswer;
  /** Nothing more should come into memory for it. */
  isHeldBack(domain: string): boolean;
  /** All domains that are known to be held back, and in how many ms the first of them is free; null without any. */
  heldBack(): { domains: string[]; waitMs: number } | null;
  /** Destinations that get less than they might. */
  slowed(): number;
}

/** After the first plea to slow down, ms. It doubles with each that follows. */
const PAUSE_MS = 5_000;
const SUSPENSION_MS = 30_000;
const MAX_WAIT_MS = 300_000;
/** Of destinations that have something to remember, and of domains whose servers are known. */
const MAX_KNOWN = 10_000;
/** The store is told to leave these where they are; what is beyond comes into memory and waits there. */
const MAX_HELD_BACK = 1_000;

interface Site {
  /** Transactions at once; Infinity where nothing has slowed it down. */
  window: number;
  inFlight: number;
  /** Pleas, or failures to connect, in a row. */
  setbacks: number;
  /** Tickets up to this one were begun before the last setback. */
  setbackAt: number;
  waitUntilMs: number;
  /** Why it is suspended until then. */
  suspended: string | null;
  bucket: TokenBucket | null;
}

export function createDestinationPace(options: {
  concurrency: number;
  /** Messages a second; null: as fast as it takes them. */
  ratePerSecond: number | null;
  limits: readonly DestinationLimit[];
  /** Nobody is left alone for longer than mail itself waits: at first for its first rung, ever for its longest. */
  ladderMs: readonly number[];
  /** How many nodes share each of these numbers. */
  nodes: () => number;
  now: () => number;
  random: () => number;
}): DestinationPace {
  const { now, ladderMs } = options;
  const sites = new Map<string, Site>();
  const siteOf = new Map<string, string>();
  let started = 0;

  const keyOf = (domain: string): string => siteOf.get(domain) ?? domain;

  function siteFor(key: string): Site {
    const known = sites.get(key);
    if (known !== undefined) return known;
    const oldest = sites.size >= MAX_KNOWN ? sites.keys().next().value : undefined;
    if (oldest !== undefined) sites.delete(oldest);
    const site: Site = {
      window: Number.POSITIVE_INFINITY,
      inFlight: 0,
      setbacks: 0,
      setbackAt: 0,
      waitUntilMs: 0,
      suspended: null,
      bucket: null,
    };
    sites.set(key, site);
    return site;
  }

  function shareOf(key: string, domain: string): { concurrency: number; rate: number | null } {
    const limit = limitFor(options.limits, [domain, ...key.split(',')]);
    const nodes = options.nodes();
    const rate = limit?.ratePerSecond ?? options.ratePerSecond;
    return {
      concurrency: Math.ceil((limit?.concurrency ?? options.concurrency) / nodes),
      rate: rate === null ? null : rate / nodes,
    };
  }

  const isPaused = ({ suspended, waitUntilMs }: Site): boolean =>
    suspended === null && waitUntilMs > now();

  /** Null: the rate leaves room. */
  function untilRate(site: Site, rate: number | null): number | null {
    if (rate === null) return null;
    // A second's worth may come at once after a quiet hour.
    site.bucket ??= createTokenBucket({ ratePerSecond: rate, capacity: Math.max(1, rate) });
    const { allowed } = site.bucket.take(now());
    return allowed ? null : Math.max(1, Math.ceil(1_000 / rate));
  }

  /** Whether it is left alone for as long as it may be. */
  function setBack(site: Site, share: number, baseMs: number): boolean {
    site.window = Math.max(1, Math.min(site.window, share) / 2);
    site.setbacks += 1;
    site.setbackAt = started;
    const firstMs = Math.min(baseMs, ladderMs[0] ?? baseMs);
    const longestMs = Math.min(MAX_WAIT_MS, Math.max(...ladderMs));
    const doubled = Math.min(longestMs, firstMs * 2 ** Math.min(site.setbacks - 1, 10));
    site.waitUntilMs = now() + Math.round(doubled * (0.8 + 0.4 * options.random()));
    return doubled === longestMs;
  }

  function grow(site: Site, share: number): void {
    site.setbacks = 0;
    site.suspended = null;
    if (site.window === Number.POSITIVE_INFINITY) return;
    site.window += 1 / site.window;
    if (site.window >= share) site.window = Number.POSITIVE_INFINITY;
  }

  function learn(domain: string, key: string): void {
    if (siteOf.get(domain) === key) return;
    const oldest = siteOf.size >= MAX_KNOWN ? siteOf.keys().next().value : undefined;
    if (oldest !== undefined) siteOf.delete(oldest);
    siteOf.set(domain, key);
  }

  /** Nothing is to be remembered of a site that is as new. */
  function forgetFresh(key: string, site: Site): void {
    const isFresh = site.inFlight === 0 && site.setbacks === 0 && site.window === Infinity;
    if (isFresh && site.bucket === null && sites.get(key) === site) sites.delete(key);
  }

  function ticketFor(domain: string, startKey: string): PaceTicket {
    started += 1;
    const number = started;
    const start = siteFor(startKey);
    start.inFlight += 1;
    return {
      end(report) {
        const { verdict, reason } = report;
        start.inFlight -= 1;
        const key = report.site ?? startKey;
        if (report.site !== null) learn(domain, report.site);
        const site = siteFor(key);
        const { concurrency } = shareOf(key, domain);
        const isCurrent = number > site.setbackAt;
        if (verdict === 'good' && isCurrent) grow(site, concurrency);
        if (verdict === 'slow' && isCurrent) {
          const isChronic = setBack(site, concurrency, PAUSE_MS);
          site.suspended = isChronic ? reason : null;
        }
        if (verdict === 'dead' && isCurrent) {
          const isSecond = site.setbacks > 0;
          setBack(site, concurrency, isSecond ? SUSPENSION_MS / 2 : 0);
          site.suspended = isSecond ? reason : null;
          if (isSecond) site.window = 1;
        }
        forgetFresh(startKey, start);
        forgetFresh(key, site);
      },
    };
  }

  return {
    start(domain) {
      const key = keyOf(domain);
      const site = siteFor(key);
      const waitMs = site.waitUntilMs - now();
      if (waitMs > 0) return site.suspended === null ? { waitMs } : { suspended: site.suspended };
      const { concurrency, rate } = shareOf(key, domain);
      if (site.inFlight >= Math.min(Math.floor(site.window), concurrency)) return { waitMs: null };
      const rateMs = untilRate(site, rate);
      return rateMs === null ? { ticket: ticketFor(domain, key) } : { waitMs: rateMs };
    },
    isHeldBack(domain) {
      const site = sites.get(keyOf(domain));
      return site !== undefined && isPaused(site);
    },
    heldBack() {
      const paused = [...sites].filter(([, site]) => isPaused(site));
      if (paused.length === 0) return null;
      const keys = new Set(paused.map(([key]) => key));
      const sharing = [...siteOf].filter(([, key]) => keys.has(key)).map(([domain]) => domain);
      const waits = paused.map(([, { waitUntilMs }]) => waitUntilMs - now());
      return {
        domains: [...keys, ...sharing].slice(0, MAX_HELD_BACK),
        waitMs: Math.min(...waits),
      };
    },
    slowed: () => [...sites.values()].filter(({ window }) => window !== Infinity).length,
  };
}
