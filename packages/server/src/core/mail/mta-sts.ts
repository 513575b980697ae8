/** MTA-STS (RFC 8461): what a domain says about TLS on the way to it. */
export interface StsPolicy {
  /** enforce: no delivery without it. testing: to be told of, and delivered all the same. */
  mode: 'enforce' | 'testing' | 'none';
  /** Names of mail servers, and `*.` with a name for one label before it. */
  mx: string[];
  maxAgeMs: number;
}

const MODES = ['enforce', 'testing', 'none'] as const;
/** 3.2: a year is the most. */
const MAX_AGE_SECONDS = 31_557_600;

/** The id of the one record among the TXT records at `_mta-sts`; null without one, or with several (3.1). */
export function parseStsId(texts: readonly string[]): string | null {
  const [record, ...others] = texts.filter((text) => /^v=STSv1\s*;/i.test(text));
  if (record === undefined || others.length > 0) return null;
  return /;\s*id\s*=\s*([a-z0-9]{1,32})\s*(;|$)/i.exec(record)?.[1] ?? null;
}

/** 3.2: `key: value` lines, `mx` several times. What is wrong comes back as a sentence. */
export function parseStsPolicy(text: string): { policy: StsPolicy } | { fault: string } {
  const fields = new Map<string, string[]>();
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf(':');
    if (at === -1) continue;
    const name = line.slice(0, at).trim().toLowerCase();
    const value = line.slice(at + 1).trim();
    fields.set(name, [...(fields.get(name) ?? []), value.toLowerCase()]);
  }
  const one = (name: string): string => fields.get(name)?.[0] ?? '';
  if (one('version') !== 'stsv1') {
    return { fault: 'The policy has to begin with version: STSv1.' };
  }
  const mode = MODES.find((name) => name === one('mode'));
  if (mode === undefined) return { fault: 'The policy has no mode of enforce, testing, none.' };
  if (!/^\d{1,10}$/.test(one('max_age'))) {
    return { fault: 'The policy has no max_age in seconds.' };
  }
  const mx = fields.get('mx') ?? [];
  if (mode !== 'none' && mx.length === 0) return { fault: 'The policy names no mx.' };
  const maxAgeMs = Math.min(Number(one('max_age')), MAX_AGE_SECONDS) * 1_000;
  return { policy: { mode, mx, maxAgeMs } };
}

/** 4.1: a `*` stands for one label. */
export function namesMailServer({ mx }: Pick<StsPolicy, 'mx'>, host: string): boolean {
  const name = host.toLowerCase();
  const above = name.slice(name.indexOf('.') + 1);
  return mx.some((one) => (one.startsWith('*.') ? above === one.slice(2) : name === one));
}
