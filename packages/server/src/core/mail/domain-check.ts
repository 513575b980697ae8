import type { DnsRecordPurpose, DnsRecordStatus } from '@posthorn/sdk';

/** One record of a domain: what it should be, and what DNS said. */
export interface CheckedRecord {
  purpose: DnsRecordPurpose;
  /** Where it stands in DNS. */
  name: string;
  type: 'TXT' | 'CNAME' | 'MX';
  /** Mail suffers without it; the others are for those who want them. */
  required: boolean;
  /** What to publish; null where there is no one right value. */
  expected: string | null;
  status: DnsRecordStatus;
  found: string | null;
  detail: string | null;
}

/** What a check found, and what is kept of the checks before. */
export interface DomainCheck {
  records: CheckedRecord[];
  /** Records that were right and are not any more, as `purpose type name`: they were told of. */
  failing: string[];
  failingSinceMs: number | null;
}

/** What the world is told after a check. */
export type DomainNews = 'dns_error' | 'dns_recovered' | null;

/**
 * Pure: puts a check beside the one before. A record that was right and now is not is told of once; when
 * all that were told of are right again, that is told once. A record that was never right is nobody's
 * news, and where DNS gave no answer everything stays as it was.
 */
export function compareChecks(
  before: DomainCheck | null,
  found: readonly CheckedRecord[],
  nowMs: number,
): { check: DomainCheck; news: DomainNews } {
  const known = new Map(before?.records.map((record) => [keyOf(record), record]));
  const told = new Set(before?.failing);
  const failing: string[] = [];
  let isWorse = false;
  const records = found.map((record) => {
    const key = keyOf(record);
    const earlier = known.get(key);
    const isSilent = record.status === 'unknown' && earlier !== undefined;
    const now = isSilent ? { ...record, status: earlier.status, found: earlier.found } : record;
    const isBad = now.status === 'missing' || now.status === 'wrong';
    const isNew = isBad && earlier?.status === 'ok';
    if (isNew || (isBad && told.has(key))) failing.push(key);
    isWorse ||= isNew;
    return now;
  });
  const failingSinceMs = failing.length === 0 ? null : (before?.failingSinceMs ?? nowMs);
  const isBack = told.size > 0 && failing.length === 0;
  const news = isWorse ? 'dns_error' : isBack ? 'dns_recovered' : null;
  return { check: { records, failing, failingSinceMs }, news };
}

/** Whether mail to this return path reaches us, and mail from it passes SPF. */
export function isReturnPathReady(check: DomainCheck | null, returnPath: string): boolean {
  const its = check?.records.filter(
    ({ purpose, name }) => purpose === 'return_path' && name === returnPath,
  );
  return its !== undefined && its.length > 0 && its.every(({ status }) => status === 'ok');
}

/** A return path has two records at one name. */
export function keyOf({
  purpose,
  type,
  name,
}: Pick<CheckedRecord, 'purpose' | 'type' | 'name'>): string {
  return `${purpose} ${type} ${name}`;
}
