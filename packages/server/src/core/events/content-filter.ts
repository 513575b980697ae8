import type {
  BounceCategory,
  BounceScope,
  BounceType,
  CanonicalEvent,
  EventData,
} from '@posthorn/sdk';
import { domainOf, toComparableAddress } from '../mail/mail-domain.ts';
import {
  type EngagementKind,
  LIST_FIELD_NAMES,
  type ListFieldName,
  type MetadataValue,
  toDomainPattern,
} from './content-filter-fields.ts';

/**
 * Which events an endpoint wants by what is in them, in the words of email. Read by
 * `parseContentFilter`, compiled once when an endpoint is saved, asked for each event.
 *
 * All conditions have to hold, and of a list any value. There are two kinds of conditions:
 *
 *   about the message   recipient_domain, recipient, from_domain, tag, stream, metadata, provider,
 *                       source, test: hold for events that have such a value, and for no others
 *   about a block       bounce_*, enhanced_code, engagement: restrict the events that carry the block
 *                       and let all others pass, so that "hard bounces only, and every complaint" is
 *                       one endpoint
 *
 * `not` leaves out the events that meet any of its conditions; what an event does not have, it does
 * not meet.
 */
export interface ContentFilter extends ContentConditions {
  not?: ContentConditions;
}

type TextLists = { [F in ListFieldName]?: readonly string[] };

export interface ContentConditions extends TextLists {
  bounce_type?: readonly BounceType[];
  bounce_category?: readonly BounceCategory[];
  bounce_scope?: readonly BounceScope[];
  metadata?: Readonly<Record<string, readonly MetadataValue[]>>;
  engagement?: EngagementKind;
  /** Of mail that was sent with a sandbox key, or a sample: those alone, or none of them. */
  test?: boolean;
}

/** `null`: the event does not have what the condition speaks of. */
type Verdict = boolean | null;

interface Condition {
  /** Whether events without a verdict pass. */
  isAboutBlock: boolean;
  judge(data: EventData): Verdict;
}

/** The filter as a function. It is total, and asks sets: nothing is built for an event. */
export function compileContentFilter(filter: ContentFilter): (event: CanonicalEvent) => boolean {
  const wanted = compileConditions(filter);
  const unwanted = filter.not === undefined ? [] : compileConditions(filter.not);
  return ({ data }) => {
    for (const { judge, isAboutBlock } of wanted) {
      const verdict = judge(data);
      if (verdict === false || (verdict === null && !isAboutBlock)) return false;
    }
    for (const { judge } of unwanted) {
      if (judge(data) === true) return false;
    }
    return true;
  };
}

function compileConditions(conditions: ContentConditions): Condition[] {
  const compiled: Condition[] = [];
  for (const name of LIST_FIELD_NAMES) {
    const values = conditions[name];
    if (values !== undefined) compiled.push(LIST_CONDITIONS[name](values));
  }
  for (const [key, values] of Object.entries(conditions.metadata ?? {})) {
    compiled.push(compileMetadata(key, values));
  }
  if (conditions.engagement !== undefined) compiled.push(compileEngagement(conditions.engagement));
  const { test } = conditions;
  if (test !== undefined) compiled.push(aboutMessage((data) => (data.test === true) === test));
  return compiled;
}

const LIST_CONDITIONS: Record<ListFieldName, (values: readonly string[]) => Condition> = {
  recipient_domain(values) {
    const matches = compileDomains(values);
    return aboutMessage(({ recipient, recipient_domain }) => {
      if (recipient != null) return matches(domainOf(recipient));
      return recipient_domain === undefined ? null : matches(recipient_domain);
    });
  },
  recipient(values) {
    const addresses = new Set(values.map(toComparableAddress));
    return aboutMessage(({ recipient }) =>
      recipient == null ? null : addresses.has(toComparableAddress(recipient)),
    );
  },
  from_domain(values) {
    const matches = compileDomains(values);
    return aboutMessage(({ message }) =>
      message?.from == null ? null : matches(domainOf(message.from)),
    );
  },
  tag(values) {
    const tags = new Set(values);
    return aboutMessage((data) => {
      if (data.tags === undefined || data.tags.length === 0) return null;
      for (const tag of data.tags) if (tags.has(tag)) return true;
      return false;
    });
  },
  stream: (values) => aboutMessage(oneOf(values, ({ message }) => message?.stream)),
  provider: (values) => aboutMessage(oneOf(values, ({ provider }) => provider)),
  source: (values) => aboutMessage(oneOf(values, ({ source }) => source)),
  bounce_type: (values) => aboutBlock(oneOf(values, ({ bounce }) => bounce?.type)),
  bounce_category: (values) => aboutBlock(oneOf(values, ({ bounce }) => bounce?.category)),
  bounce_scope: (values) => aboutBlock(oneOf(values, ({ bounce }) => bounce?.scope)),
  enhanced_code(values) {
    const codes = new Set(values.filter((value) => !value.endsWith('*')));
    const prefixes = values.filter((value) => value.endsWith('*')).map((one) => one.slice(0, -1));
    return aboutBlock(({ delivery }) => {
      if (delivery === undefined) return null;
      const code = delivery.enhanced_code;
      return code != null && (codes.has(code) || startsWithAny(code, prefixes));
    });
  },
};

function compileMetadata(key: string, values: readonly MetadataValue[]): Condition {
  const texts = new Set(values.map(String));
  return aboutMessage(({ metadata }) => {
    if (metadata === undefined || !Object.hasOwn(metadata, key)) return null;
    const value = metadata[key];
    if (typeof value === 'string') return texts.has(value);
    // Lists and objects have no one text, and null means unknown.
    return typeof value === 'number' || typeof value === 'boolean'
      ? texts.has(String(value))
      : null;
  });
}

/** What no source called a machine's counts as a person's: most sources do not tell. */
function compileEngagement(kind: EngagementKind): Condition {
  return aboutBlock(({ engagement }) =>
    engagement === undefined ? null : (engagement.machine === true) === (kind === 'machine'),
  );
}

function aboutMessage(judge: Condition['judge']): Condition {
  return { isAboutBlock: false, judge };
}

function aboutBlock(judge: Condition['judge']): Condition {
  return { isAboutBlock: true, judge };
}

function oneOf(
  values: readonly string[],
  read: (data: EventData) => string | null | undefined,
): Condition['judge'] {
  const set = new Set(values);
  return (data) => {
    const value = read(data);
    return value == null ? null : set.has(value);
  };
}

function compileDomains(patterns: readonly string[]): (domain: string) => boolean {
  const normal = patterns.map(toDomainPattern);
  const exact = new Set(normal.filter((pattern) => !pattern.startsWith('*.')));
  const suffixes = normal.filter((one) => one.startsWith('*.')).map((one) => one.slice(1));
  return (domain) => exact.has(domain) || endsWithAny(domain, suffixes);
}

function endsWithAny(text: string, suffixes: readonly string[]): boolean {
  for (const suffix of suffixes) {
    if (text.length > suffix.length && text.endsWith(suffix)) return true;
  }
  return false;
}

function startsWithAny(text: string, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) if (text.startsWith(prefix)) return true;
  return false;
}
