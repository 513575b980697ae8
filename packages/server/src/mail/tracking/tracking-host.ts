import type { DomainRecord } from '../../store/mail/domains.ts';

/** The name under which links of a domain are opened; null until its CNAME leads here. */
export function trackingHostOf(
  domain: Pick<DomainRecord, 'name' | 'settings' | 'check' | 'verifiedAtMs'> | null,
): string | null {
  if (domain === null || domain.verifiedAtMs === null) return null;
  const host = `${domain.settings.tracking}.${domain.name}`;
  const isRight = domain.check?.records.some(
    ({ purpose, name, status }) => purpose === 'tracking' && name === host && status === 'ok',
  );
  return isRight === true ? host : null;
}
