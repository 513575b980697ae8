import type { CanonicalEvent } from '@posthorn/sdk';
import type { Ids } from '../../core/ids.ts';
import {
  SUPPRESSING_TYPES,
  type SuppressionEffect,
  suppressionEffect,
  toSuppressedAddress,
} from '../../core/mail/suppression.ts';
import type { ProjectSending } from '../../core/project-settings.ts';
import type { Statement } from '../../store/engine.ts';
import type { EventLog, NewEvent } from '../../store/log/event-log.ts';
import type { NewSuppression, Suppressions } from '../../store/mail/suppressions.ts';
import { createSuppressionEvent } from './suppression-event.ts';

/** Soft bounces are counted over this time, ms: 30 days. */
const SOFT_BOUNCE_WINDOW_MS = 2_592_000_000;
/** A full mailbox is emptied some day: such an entry ends by itself, after 30 days. */
const SOFT_BOUNCE_ENTRY_MS = 2_592_000_000;

/** What an event adds to its own commit. */
interface Consequence {
  events: NewEvent[];
  statements: Statement[];
  /** The address is on the list now, or was already. */
  isSuppressed: boolean;
}

/**
 * The log, with the suppression list kept up to date by what is appended: the entry, its
 * `suppression.added` and the event that led to it are one commit. All events go this way, from
 * wherever they come.
 *
 * Two events about one address wait for each other, so that an entry is made, and told of, once. (Of two
 * nodes that append at the same moment both may tell.)
 */
export function createSuppressingLog(deps: {
  log: EventLog;
  suppressions: Suppressions;
  ids: Ids;
  now: () => number;
  sendingOf: (projectId: string) => ProjectSending;
}): EventLog {
  const { log, suppressions, ids, now } = deps;
  /** Addresses whose entries are being changed. */
  const underWay = new Map<string, Promise<unknown>>();

  function effectOf({ projectId, event }: NewEvent): SuppressionEffect | null {
    if (!SUPPRESSING_TYPES.has(event.type)) return null;
    const sending = deps.sendingOf(projectId);
    return suppressionEffect(event, {
      fromElsewhere: sending.suppressFromElsewhere,
      softBounces: sending.suppressAfterSoftBounces,
    });
  }

  async function consequenceOf(cause: NewEvent, effect: SuppressionEffect): Promise<Consequence> {
    const { address } = effect;
    const { projectId } = cause;
    const nowMs = now();
    if (effect.kind === 'count') return count(cause, effect, nowMs);
    const entry = await suppressions.at({ projectId, address, stream: effect.stream }, nowMs);
    if (effect.kind === 'add') {
      if (entry !== null) return { events: [], statements: [], isSuppressed: true };
      return add(cause, { address, reason: effect.reason, stream: effect.stream }, nowMs);
    }
    // Who opts in again takes back that he opted out, and nothing else.
    if (entry?.reason !== effect.reason) return { events: [], statements: [], isSuppressed: false };
    const event = createSuppressionEvent({
      type: 'suppression.removed',
      id: ids.next('event'),
      atMs: nowMs,
      entry: { ...entry, source: sourceOf(cause.event), eventId: cause.event.id },
    });
    return {
      events: [{ projectId, event, dedupKey: keyBeside(cause, 'removed') }],
      statements: [suppressions.removal(projectId, entry.id)],
      isSuppressed: false,
    };
  }

  async function count(
    cause: NewEvent,
    { address, messageKey }: Extract<SuppressionEffect, { kind: 'count' }>,
    nowMs: number,
  ): Promise<Consequence> {
    const { projectId } = cause;
    const limit = deps.sendingOf(projectId).suppressAfterSoftBounces ?? Number.POSITIVE_INFINITY;
    const bounce = { projectId, address, messageKey, bouncedAtMs: nowMs };
    const entry = await suppressions.at({ projectId, address, stream: null }, nowMs);
    const before = await suppressions.countSoftBounces(bounce, nowMs - SOFT_BOUNCE_WINDOW_MS);
    const note = suppressions.softBounce({
      ...bounce,
      retainUntilMs: nowMs + SOFT_BOUNCE_WINDOW_MS,
    });
    if (entry !== null) return { events: [], statements: [note], isSuppressed: true };
    if (before + 1 < limit) return { events: [], statements: [note], isSuppressed: false };
    const added = add(cause, { address, reason: 'soft_bounces', stream: null }, nowMs);
    return { ...added, statements: [note, ...added.statements] };
  }

  function add(
    cause: NewEvent,
    what: Pick<NewSuppression, 'address' | 'reason' | 'stream'>,
    nowMs: number,
  ): Consequence {
    const { projectId, event: by } = cause;
    const entry: NewSuppression = {
      ...what,
      projectId,
      id: ids.next('suppression'),
      source: sourceOf(by),
      note: by.data.bounce?.description?.slice(0, 1_000) ?? null,
      eventId: by.id,
      createdAtMs: nowMs,
      expiresAtMs: what.reason === 'soft_bounces' ? nowMs + SOFT_BOUNCE_ENTRY_MS : null,
    };
    const id = ids.next('event');
    const event = createSuppressionEvent({ type: 'suppression.added', id, atMs: nowMs, entry });
    return {
      events: [{ projectId, event, dedupKey: keyBeside(cause, 'added') }],
      statements: [suppressions.insertion(entry)],
      isSuppressed: true,
    };
  }

  async function appendWith(
    events: readonly NewEvent[],
    effects: readonly (SuppressionEffect | null)[],
    beside: readonly Statement[],
  ) {
    const told: NewEvent[] = [];
    const more: Consequence[] = [];
    const spokenOf = new Set<string>();
    for (const [i, event] of events.entries()) {
      const effect = effects[i] ?? null;
      if (effect === null) {
        told.push(event);
        continue;
      }
      const consequence = await consequenceOf(event, effect);
      // Of several events of a batch that lead to the same, the first one does it.
      const change = `${event.projectId}/${describeChange(effect)}`;
      if (!spokenOf.has(change)) more.push(consequence);
      spokenOf.add(change);
      told.push(consequence.isSuppressed ? asSuppressed(event) : event);
    }
    const added = more.flatMap((one) => one.events);
    const statements = more.flatMap((one) => one.statements);
    const appended = await log.append([...told, ...added], [...beside, ...statements]);
    return appended.slice(0, events.length);
  }

  return {
    async append(events, beside = []) {
      const effects = events.map(effectOf);
      const keys = effects.flatMap((effect, i) =>
        effect === null ? [] : [`${events[i]?.projectId}/${toSuppressedAddress(effect.address)}`],
      );
      if (keys.length === 0) return log.append(events, beside);
      for (;;) {
        const others = keys.flatMap((key) => underWay.get(key) ?? []);
        if (others.length === 0) break;
        await Promise.allSettled(others);
      }
      const work = appendWith(events, effects, beside);
      for (const key of keys) underWay.set(key, work);
      try {
        return await work;
      } finally {
        for (const key of keys) underWay.delete(key);
      }
    },
  };
}

function describeChange(effect: SuppressionEffect): string {
  const place = effect.kind === 'count' ? effect.messageKey : effect.stream;
  return JSON.stringify([effect.kind, toSuppressedAddress(effect.address), place]);
}

/** Who says so, for people. */
function sourceOf({ data }: CanonicalEvent): string {
  return data.provider ?? 'api';
}

/** A bounce that is told of twice is one event; so is what followed from it. */
function keyBeside({ dedupKey }: NewEvent, what: string): string | null {
  return dedupKey === null ? null : `${dedupKey}/${what}`;
}

function asSuppressed(given: NewEvent): NewEvent {
  const { event } = given;
  const { bounce } = event.data;
  if (bounce === undefined) return given;
  const data = { ...event.data, bounce: { ...bounce, suppressed: true } };
  return { ...given, event: { ...event, data } };
}
