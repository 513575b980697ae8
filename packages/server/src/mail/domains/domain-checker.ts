import type { CanonicalEvent } from '@posthorn/sdk';
import type { Ids } from '../../core/ids.ts';
import {
  type CheckedRecord,
  compareChecks,
  type DomainCheck,
  keyOf,
} from '../../core/mail/domain-check.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { type Statement, StoreConflict } from '../../store/engine.ts';
import type { EventLog } from '../../store/log/event-log.ts';
import {
  type DkimKeyRecord,
  type DomainRecord,
  type Domains,
  hasReadyReturnPath,
  isProven,
} from '../../store/mail/domains.ts';
import { type CheckTools, checkRecords } from './check-records.ts';
import { listRecords } from './domain-records.ts';

/** A domain with what belongs to it. */
export interface DomainView {
  domain: DomainRecord;
  keys: DkimKeyRecord[];
}

export interface DomainChecker {
  /** Asks DNS now, and stores what it said. Null when the domain is gone. */
  check(projectId: string, id: string, beside?: Beside): Promise<DomainView | null>;
  /** Checks those whose hour has come; resolves to when to come again, ms. */
  round(): Promise<number>;
}

/** Statements of a request, given the answer that it will get. */
type Beside = (view: DomainView) => readonly Statement[];

/** How often a domain is looked at. */
const EVERY_MS = 3_600_000;
const LOOK_AGAIN_MS = 60_000;
/** Domains at once, so that a thousand of them do not ask DNS in the same second. */
const AT_ONCE = 5;
/** Mail that a retired key has signed is on its way for this long at most: mail_expiry is 5 days. */
const RETIRED_KEPT_MS = 7 * 86_400_000;

export function createDomainChecker(deps: {
  domains: Domains;
  log: EventLog;
  ids: Ids;
  now: () => number;
  tools: CheckTools;
  /** Keys or the standing of a domain have changed. */
  changed(): Promise<void>;
}): DomainChecker {
  const { domains, now } = deps;

  function tell(domain: DomainRecord, type: CanonicalEvent['type'], records: CheckedRecord[]) {
    const { failingSinceMs = null } = domain.check ?? {};
    const timestamp = toTimestamp(now());
    const event: CanonicalEvent = {
      id: deps.ids.next('event'),
      type,
      timestamp,
      data: {
        provider: 'posthorn',
        source: null,
        received_at: timestamp,
        domain: {
          name: domain.name,
          failing_since: failingSinceMs === null ? null : toTimestamp(failingSinceMs),
          records: records.map(({ required: _required, ...record }) => record),
        },
      },
    };
    return { projectId: domain.projectId, event, dedupKey: null };
  }

  function newsOf(before: DomainRecord, after: DomainRecord, news: 'dns_error' | 'dns_recovered') {
    const told = new Set(news === 'dns_error' ? after.check?.failing : before.check?.failing);
    const records = after.check?.records.filter((record) => told.has(keyOf(record))) ?? [];
    const failingSinceMs = (news === 'dns_error' ? after : before).check?.failingSinceMs ?? null;
    const check: DomainCheck = { records: [], failing: [], failingSinceMs };
    return tell({ ...after, check }, `domain.${news}`, records);
  }

  async function checkOne(before: DomainRecord, beside: Beside): Promise<DomainView> {
    const keys = await domains.keys(before);
    const living = keys.filter(({ state }) => state !== 'retired');
    const published = listRecords(before, living, deps.tools.hosts);
    const found = await checkRecords(before.name, published, deps.tools);
    const checkedAtMs = Math.max(now(), (before.checkedAtMs ?? 0) + 1);
    const { check, news } = compareChecks(before.check, found, checkedAtMs);
    const isShown = (key: DkimKeyRecord): boolean =>
      found.some(
        ({ name, purpose, status }) =>
          purpose === 'dkim' && status === 'ok' && name.startsWith(`${key.selector}._domainkey.`),
      );
    const next = living.filter(({ state }) => state === 'next');
    const isTurn = next.length > 0 && next.every(isShown);
    // Whoever can publish our key for the domain may send in its name.
    const isPublished = living.some((key) => key.algorithm === 'rsa' && isShown(key));
    const verifiedAtMs = before.verifiedAtMs ?? (isPublished ? checkedAtMs : null);
    const domain = { ...before, check, checkedAtMs, verifiedAtMs };
    const view = { domain, keys: isTurn ? keys.map((key) => turn(key, checkedAtMs)) : keys };
    const old = keys.some(
      ({ retiredAtMs }) => retiredAtMs !== null && retiredAtMs < checkedAtMs - RETIRED_KEPT_MS,
    );
    const statements = [
      ...domains.noteCheck(before, domain),
      ...(isTurn ? domains.activateNext(domain, checkedAtMs) : []),
      ...(old
        ? domains.removeKeys(
            domain,
            { state: 'retired', beforeMs: checkedAtMs - RETIRED_KEPT_MS },
            checkedAtMs,
          )
        : []),
      ...beside(view),
    ];
    await deps.log.append(news === null ? [] : [newsOf(before, domain, news)], statements);
    const isNews =
      before.verifiedAtMs !== verifiedAtMs ||
      isProven(before) !== isProven(domain) ||
      hasReadyReturnPath(before) !== hasReadyReturnPath(domain);
    if (isTurn || isNews) await deps.changed();
    return view;
  }

  return {
    async check(projectId, id, beside = () => []) {
      const domain = await domains.get(projectId, id);
      return domain === null ? null : checkOne(domain, beside);
    },
    async round() {
      const due = await domains.due(now() - EVERY_MS, AT_ONCE);
      await Promise.all(
        due.map((domain) =>
          checkOne(domain, () => []).catch((error: unknown) => {
            // Somebody has just checked it, or it is gone.
            if (!(error instanceof StoreConflict)) throw error;
          }),
        ),
      );
      return due.length < AT_ONCE ? LOOK_AGAIN_MS : 0;
    },
  };
}

function turn(key: DkimKeyRecord, nowMs: number): DkimKeyRecord {
  if (key.state === 'next') return { ...key, state: 'active' };
  if (key.state === 'active') {
    return { ...key, state: 'retired', privateSealed: '', retiredAtMs: nowMs };
  }
  return key;
}
