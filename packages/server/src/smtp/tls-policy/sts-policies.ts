import { parseStsId, parseStsPolicy, type StsPolicy } from '../../core/mail/mta-sts.ts';
import { messageOf } from '../../lib/errors.ts';
import { remember } from '../remember.ts';
import type { SmtpLog } from '../smtp-log.ts';

/** What domains ask of those who send to them (RFC 8461), fetched and kept. */
export interface StsPolicies {
  /** The policy that holds for mail to this domain. Null without one. Never rejects. */
  find(domain: string): Promise<StsPolicy | null>;
}

export interface StsOptions {
  /** Shaped like `node:dns/promises`. */
  resolveTxt(name: string): Promise<string[][]>;
  /** GETs by HTTPS with a checked certificate, without redirects (3.3). Rejects with a sentence. */
  fetchText(url: string): Promise<string>;
  now: () => number;
  log: SmtpLog;
}

interface Kept {
  id: string;
  policy: StsPolicy;
  untilMs: number;
}

/** How soon a new id is noticed. RFC 8461 3.1 asks for the record at each delivery; DNS keeps it as long. */
const CHECK_MS = 300_000;
/** A policy that could not be fetched is not asked for with each message. */
const FAILURE_MS = 60_000;
const MAX_DOMAINS = 10_000;

/**
 * A policy that was fetched holds for its max_age, whatever happens to its record or its server
 * meanwhile (5.1): who can suppress both must not be able to undo it. Kept in memory, so a restart forgets.
 */
export function createStsPolicies(options: StsOptions): StsPolicies {
  const { now, log } = options;
  const kept = new Map<string, Kept>();

  function keptFor(domain: string): StsPolicy | null {
    const known = kept.get(domain);
    return known !== undefined && known.untilMs > now() ? known.policy : null;
  }

  /** Undefined where DNS gave no answer: that is no "there is none". */
  async function idOf(domain: string): Promise<string | null | undefined> {
    try {
      const records = await options.resolveTxt(`_mta-sts.${domain}`);
      return parseStsId(records.map((parts) => parts.join('')));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      return code === 'ENOTFOUND' || code === 'ENODATA' ? null : undefined;
    }
  }

  async function refresh(domain: string): Promise<{ failed: boolean }> {
    const id = await idOf(domain);
    const known = kept.get(domain);
    if (id == null) return { failed: id === undefined };
    // 5.1: fetched anew before it ends, so that it never lapses while mail flows.
    const isFresh = known !== undefined && known.untilMs - now() > known.policy.maxAgeMs / 2;
    if (known?.id === id && isFresh) return { failed: false };
    let fault: string;
    try {
      const url = `https://mta-sts.${domain}/.well-known/mta-sts.txt`;
      const parsed = parseStsPolicy(await options.fetchText(url));
      if ('policy' in parsed) {
        keep(domain, id, parsed.policy);
        return { failed: false };
      }
      fault = parsed.fault;
    } catch (error) {
      fault = messageOf(error);
    }
    log.info({ domain, fault }, 'The MTA-STS policy of a domain could not be fetched');
    return { failed: true };
  }

  function keep(domain: string, id: string, policy: StsPolicy): void {
    kept.delete(domain);
    const oldest = kept.size >= MAX_DOMAINS ? kept.keys().next().value : undefined;
    if (oldest !== undefined) kept.delete(oldest);
    kept.set(domain, { id, policy, untilMs: now() + policy.maxAgeMs });
  }

  const checked = remember(refresh, {
    now,
    keepMs: ({ failed }) => (failed ? FAILURE_MS : CHECK_MS),
    max: MAX_DOMAINS,
  });

  return {
    async find(domain) {
      await checked(domain);
      const policy = keptFor(domain);
      return policy === null || policy.mode === 'none' ? null : policy;
    },
  };
}
