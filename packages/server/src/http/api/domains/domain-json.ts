import { domainToUnicode } from 'node:url';
import { DNS_RECORD_PURPOSES, DNS_RECORD_STATUSES } from '@posthorn/sdk';
import { z } from 'zod';
import { keyOf } from '../../../core/mail/domain-check.ts';
import { toTimestamp } from '../../../lib/clock.ts';
import type { DomainView } from '../../../mail/domains/domain-checker.ts';
import { listRecords, type SendingHosts } from '../../../mail/domains/domain-records.ts';
import { nextCursorSchema, timestampSchema } from '../schemas.ts';

export const labelSchema = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'A label has lower-case letters, digits and hyphens.');

const recordSchema = z.object({
  purpose: z.enum(DNS_RECORD_PURPOSES),
  name: z.string(),
  type: z.enum(['TXT', 'CNAME', 'MX']),
  required: z.boolean().describe('Mail suffers without it.'),
  expected: z.string().nullable().describe('What to publish; null: whichever is yours.'),
  status: z.enum(DNS_RECORD_STATUSES).describe('unknown: not asked yet, or DNS gave no answer.'),
  found: z.string().nullable(),
  detail: z.string().nullable(),
});

export const domainSchema = z.object({
  id: z.string(),
  name: z.string().describe('In ASCII.'),
  unicode_name: z.string(),
  status: z
    .enum(['pending', 'verified', 'failing'])
    .describe(
      'pending: it may not send yet. failing: it is verified, and a record is not right any more.',
    ),
  return_path: z.string().describe('The label below the domain where bounces come back to.'),
  tracking: z.string().describe('The label below the domain for links.'),
  dkim: z.array(
    z.object({
      selector: z.string(),
      algorithm: z.enum(['rsa', 'ed25519']),
      state: z
        .enum(['next', 'active', 'retired'])
        .describe(
          'next: signs as soon as it is published. retired: leave it published for a week.',
        ),
      created_at: timestampSchema,
      retired_at: timestampSchema.nullable(),
    }),
  ),
  records: z.array(recordSchema).describe('What to publish, and what DNS said the last time.'),
  version: z.number().int().describe('1, then one more with each change. Also the ETag.'),
  created_at: timestampSchema,
  updated_at: timestampSchema,
  verified_at: timestampSchema.nullable(),
  checked_at: timestampSchema.nullable(),
  failing_since: timestampSchema.nullable(),
});

export const domainList = z.object({ data: z.array(domainSchema), next_cursor: nextCursorSchema });

const timeOrNull = (ms: number | null): string | null => (ms === null ? null : toTimestamp(ms));

export function toDomainJson({ domain, keys }: DomainView, hosts: SendingHosts) {
  const { check } = domain;
  const checked = new Map(check?.records.map((record) => [keyOf(record), record]));
  const isFailing = check !== null && check.failing.length > 0;
  return {
    id: domain.id,
    name: domain.name,
    unicode_name: domainToUnicode(domain.name),
    status: domain.verifiedAtMs === null ? 'pending' : isFailing ? 'failing' : 'verified',
    return_path: domain.settings.returnPath,
    tracking: domain.settings.tracking,
    dkim: keys.map((key) => ({
      selector: key.selector,
      algorithm: key.algorithm,
      state: key.state,
      created_at: toTimestamp(key.createdAtMs),
      retired_at: timeOrNull(key.retiredAtMs),
    })),
    records: listRecords(domain, keys, hosts).map((record) => {
      const seen = checked.get(keyOf(record));
      return {
        purpose: record.purpose,
        name: record.name,
        type: record.type,
        required: record.required,
        expected: record.expected,
        status: seen?.status ?? ('unknown' as const),
        found: seen?.found ?? null,
        // Before the first check it says what the record is for.
        detail: seen === undefined ? record.detail : seen.detail,
      };
    }),
    version: domain.version,
    created_at: toTimestamp(domain.createdAtMs),
    updated_at: toTimestamp(domain.updatedAtMs),
    verified_at: timeOrNull(domain.verifiedAtMs),
    checked_at: timeOrNull(domain.checkedAtMs),
    failing_since: timeOrNull(check?.failingSinceMs ?? null),
  };
}
