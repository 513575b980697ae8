import { BOUNCE_CATEGORIES, BOUNCE_SCOPES, BOUNCE_TYPES } from '@posthorn/sdk';
import { toAsciiDomain, toComparableAddress } from '../mail/mail-domain.ts';
import { MAX_METADATA_KEY_CHARS } from '../mail/message-limits.ts';

/**
 * The table of what a content filter can ask for. Reading a filter, its JSON Schema and the names in
 * its errors come from here.
 */

/** A filter is compared with every event of its project, so its size is bounded. */
export const MAX_FILTER_VALUES = 100;
export const MAX_FILTER_METADATA_KEYS = 20;
/** The longest recipient that an event can have is shorter. */
export const MAX_FILTER_VALUE_CHARS = 500;

export interface ListField {
  description: string;
  example: string;
  /** The only values that there are, where they are known. */
  values?: readonly string[];
  /** What is wrong with a value and what to write instead; `null` when it is fine. */
  explain?(value: string): string | null;
  /** The form in which two values are compared. */
  normalise?(value: string): string;
}

export const LIST_FIELDS = {
  recipient_domain: {
    description: 'Domains of recipients: `example.com` alone, `*.example.com` for those below it.',
    example: 'example.com',
    explain: explainDomainPattern,
    normalise: toDomainPattern,
  },
  recipient: {
    description: 'Addresses of recipients.',
    example: 'user@example.com',
    explain: explainAddress,
    normalise: toComparableAddress,
  },
  from_domain: {
    description: 'Domains of the From address, written as in recipient_domain.',
    example: 'shop.example.com',
    explain: explainDomainPattern,
    normalise: toDomainPattern,
  },
  tag: { description: 'Tags; the message has any of them.', example: 'order-confirmation' },
  stream: { description: 'Streams of messages.', example: 'transactional' },
  bounce_type: {
    description: 'Of events with a bounce: its type.',
    example: 'hard',
    values: BOUNCE_TYPES,
  },
  bounce_category: {
    description: 'Of events with a bounce: its category.',
    example: 'mailbox_full',
    values: BOUNCE_CATEGORIES,
  },
  bounce_scope: {
    description: 'Of events with a bounce: who is to blame.',
    example: 'recipient',
    values: BOUNCE_SCOPES,
  },
  enhanced_code: {
    description: 'Of events with a delivery: its enhanced status code, whole or as `5.1.*`.',
    example: '5.1.*',
    explain: explainEnhancedCode,
  },
  provider: { description: 'Who reported the event.', example: 'posthorn' },
  source: { description: 'The name of the source of the event.', example: 'newsletter' },
} as const satisfies Record<string, ListField>;

export type ListFieldName = keyof typeof LIST_FIELDS;

export const LIST_FIELD_NAMES = Object.keys(LIST_FIELDS) as ListFieldName[];

export const ENGAGEMENT_KINDS = ['human', 'machine'] as const;
export type EngagementKind = (typeof ENGAGEMENT_KINDS)[number];

/** The fields of a filter, and of its `not`. */
export const CONDITION_NAMES = [...LIST_FIELD_NAMES, 'metadata', 'engagement', 'test'];

/** A value of `metadata`: `1` and `"1"` are the same. */
export type MetadataValue = string | number | boolean;

/** `*.Example.COM.` -> `*.example.com`. */
export function toDomainPattern(pattern: string): string {
  return toAsciiDomain(pattern.replace(/\.$/, ''));
}

/** A label of a host name (RFC 1035 2.3.1), with the underscore that DNS names may have. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const MAX_DOMAIN_CHARS = 253;

function explainDomainPattern(pattern: string): string | null {
  if (pattern.includes('@')) return 'Write the domain alone, without an @: example.com.';
  if (pattern === '*') return 'Every domain is what you get without this field.';
  const domain = toDomainPattern(pattern).replace(/^\*\./, '');
  if (domain.includes('*')) return 'A star can only stand for what is below: *.example.com.';
  if (domain.length <= MAX_DOMAIN_CHARS && domain.split('.').every((part) => LABEL.test(part))) {
    return null;
  }
  return 'A domain looks like example.com, or *.example.com for all below it.';
}

function explainAddress(address: string): string | null {
  const at = address.lastIndexOf('@');
  if (at < 1 || /[\s<>]/.test(address)) return 'An address looks like user@example.com.';
  if (address.includes('*')) return 'For all addresses of a domain use recipient_domain.';
  return explainDomainPattern(address.slice(at + 1)) === null
    ? null
    : 'What follows the @ is not a domain.';
}

/** RFC 3463 section 2: a class, a subject of up to three digits, a detail of up to three digits. */
const ENHANCED_CODE = /^[245]\.(?:\*|\d{1,3}\.(?:\*|\d{1,3}))$/;

function explainEnhancedCode(code: string): string | null {
  if (ENHANCED_CODE.test(code)) return null;
  return 'An enhanced status code looks like 5.1.1, 5.1.* or 5.* and begins with 2, 4 or 5.';
}

/** The JSON Schema (2020-12) of a filter. What it cannot say, such as what a domain is, the reader says. */
export function createContentFilterSchema(without: readonly string[] = []): {
  [key: string]: unknown;
} {
  const all = {
    ...Object.fromEntries(LIST_FIELD_NAMES.map((name) => [name, listSchema(LIST_FIELDS[name])])),
    metadata: {
      type: 'object',
      description: 'Keys of the metadata, each with the values that it may have.',
      minProperties: 1,
      maxProperties: MAX_FILTER_METADATA_KEYS,
      propertyNames: { minLength: 1, maxLength: MAX_METADATA_KEY_CHARS },
      additionalProperties: {
        ...LIST_SCHEMA,
        items: { type: ['string', 'number', 'boolean'], maxLength: MAX_FILTER_VALUE_CHARS },
      },
    },
    engagement: {
      type: 'string',
      enum: ENGAGEMENT_KINDS,
      description: 'Of opens and clicks: those of people, or those of machines.',
    },
    test: {
      type: 'boolean',
      description: 'false: no events of sandbox keys; true: no others.',
    },
  };
  const conditions = Object.fromEntries(
    Object.entries(all).filter(([name]) => !without.includes(name)),
  );
  const not = {
    type: 'object',
    description: 'The same fields: an event that meets any of these conditions is left out.',
    properties: conditions,
    additionalProperties: false,
    minProperties: 1,
  };
  return { type: 'object', properties: { ...conditions, not }, additionalProperties: false };
}

const LIST_SCHEMA = { type: 'array', minItems: 1, maxItems: MAX_FILTER_VALUES, uniqueItems: true };

function listSchema({ description, values }: ListField): { [key: string]: unknown } {
  const text = { type: 'string', minLength: 1, maxLength: MAX_FILTER_VALUE_CHARS };
  return {
    ...LIST_SCHEMA,
    description,
    items: values === undefined ? text : { type: 'string', enum: values },
  };
}
