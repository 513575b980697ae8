import { type ContentFilter, compileContentFilter } from '../events/content-filter.ts';
import type { Stream } from './streams.ts';

/** Why a message waits for a person: the key it came with, a rule of its project, or a sending limit. */
export const HOLD_REASONS = ['key', 'rule', 'limit'] as const;

export type HoldReason = (typeof HOLD_REASONS)[number];

/** Who does nothing about a held message for so long has decided too: it is dropped. */
export const HOLD_MS = 7 * 86_400_000;

/** A message that meets all conditions of a rule waits for a person. */
export interface HoldRule {
  /** For people: it stands in the events and the list. */
  name: string;
  /** In the words of an endpoint's filter, those about a message; one recipient that meets it is enough. */
  filter?: ContentFilter;
  /** Names of headers, each with the values that it may have: `*` is any, `spring*` what begins so. */
  headers?: Readonly<Record<string, readonly string[]>>;
  /** Messages of more bytes. */
  largerThanBytes?: number;
  /** Messages that a spam filter before us has marked, in the headers that these write. */
  spamFlagged?: boolean;
}

/** What rules are asked about. */
export interface HoldQuestion {
  from: string;
  recipients: readonly string[];
  stream: Stream;
  tags: readonly string[];
  metadata: Readonly<Record<string, unknown>>;
  /** In their order; names as they were written. */
  headers: readonly { name: string; value: string }[];
  sizeBytes: number;
}

/** The name of the first rule that a message meets; null for none. */
export type HoldRules = (message: HoldQuestion) => string | null;

export function compileHoldRules(rules: readonly HoldRule[]): HoldRules {
  const compiled = rules.map((rule) => ({ name: rule.name, meets: compileRule(rule) }));
  return (message) => compiled.find(({ meets }) => meets(message))?.name ?? null;
}

function compileRule(rule: HoldRule): (message: HoldQuestion) => boolean {
  const { filter, headers = {}, largerThanBytes, spamFlagged } = rule;
  const matches = filter === undefined ? null : compileContentFilter(filter);
  const wanted = Object.entries(headers).map(([name, patterns]) => {
    return { name: name.toLowerCase(), fits: compilePatterns(patterns) };
  });
  return (message) => {
    if (largerThanBytes !== undefined && message.sizeBytes <= largerThanBytes) return false;
    const valuesOf = (name: string): string[] =>
      message.headers.filter((one) => one.name.toLowerCase() === name).map(({ value }) => value);
    if (wanted.some(({ name, fits }) => !valuesOf(name).some(fits))) return false;
    if (spamFlagged === true && !isSpamFlagged(valuesOf)) return false;
    return matches === null || meetsFilter(matches, message);
  };
}

/** A filter speaks of events, which have one recipient each. */
function meetsFilter(
  matches: ReturnType<typeof compileContentFilter>,
  { from, recipients, stream, tags, metadata }: HoldQuestion,
): boolean {
  const about = {
    message: { id: null, from, stream },
    tags: [...tags],
    metadata: { ...metadata },
  };
  return recipients.some((recipient) =>
    matches({ id: '', type: 'email.accepted', timestamp: '', data: { ...about, recipient } }),
  );
}

/** Case does not count. */
function compilePatterns(patterns: readonly string[]): (value: string) => boolean {
  const lower = patterns.map((one) => one.toLowerCase());
  return (value) => {
    const text = value.trim().toLowerCase();
    return lower.some((pattern) =>
      pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern,
    );
  };
}

/** `X-Spam-Flag: YES` and `X-Spam-Status: Yes, score=...` of SpamAssassin, `X-Spam: Yes` of Rspamd. */
function isSpamFlagged(valuesOf: (name: string) => string[]): boolean {
  return ['x-spam-flag', 'x-spam-status', 'x-spam'].some((name) =>
    valuesOf(name).some((value) => /^\s*yes\b/i.test(value)),
  );
}
