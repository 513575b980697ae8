import type { AttemptRecord, EventRecord } from '../../../store/engine.ts';
import type { PostResult } from '../../post/post-result.ts';
import type { StoredDelivery } from '../store/bare-store.ts';
import type { ModelStore } from '../store/model-store.ts';
import type { VirtualTime } from '../world/virtual-time.ts';
import { type ExpectedStep, expectStep } from './expected-step.ts';
import type { Verdict } from './verdict.ts';
import type { WatchedPost } from './watched-lanes.ts';

/** What an event owed to an endpoint has been through, as the world saw it. */
export interface WatchedDelivery {
  eventId: string;
  endpointId: string;
  isUnderWay: boolean;
  /** It must not start before; null when it may at once. */
  notBefore: { wallMs: number; sinceElapsedMs: number } | null;
  /** Ended, as far as the present process knows. */
  isEnded: boolean;
  /** Ended once, and not made due again by hand since. */
  hasEnded: boolean;
  /** Counted by its ladder. */
  failures: number;
  /** Successes that a process was told of, and why there may be more than one. */
  successes: number;
  excuses: number;
  /** The result that its process has been told of and that is not in the store yet. */
  unstored: { watched: WatchedPost; step: ExpectedStep } | null;
}

/** Holds every delivery to the rules: its lease, its place in line, its ladder, its end. */
export interface WatchedDeliveries {
  all(): Iterable<WatchedDelivery>;
  appended(event: EventRecord): void;
  started(watched: WatchedPost): void;
  ended(watched: WatchedPost, result: PostResult, endedMs: number): void;
  recording(attempt: AttemptRecord): void;
  recorded(attempt: AttemptRecord): void;
  recordFailed(attempt: AttemptRecord): void;
  requeued(eventId: string, endpointId: string): void;
  /** Everything that was to be recorded of the posts that ended has been. */
  checkRecorded(): void;
  /** The process is gone, and with it what it had not stored. */
  processEnded(): void;
  /** Shares of the ladder's rungs that retries waited, of the posts that failed. */
  readonly jitters: readonly number[];
}

export function createWatchedDeliveries(options: {
  time: VirtualTime;
  verdict: Verdict;
  store: ModelStore;
  name: (id: string) => string;
}): WatchedDeliveries {
  const { time, verdict, store, name } = options;
  const byKey = new Map<string, WatchedDelivery>();
  const awaitingRecord = new Set<WatchedDelivery>();
  /** Lines in which the end of one was lost. */
  const lostEnds = new Set<string>();
  const jitters: number[] = [];

  const nameOf = (one: { eventId: string; endpointId: string }): string =>
    `${name(one.eventId)} to ${name(one.endpointId)}`;

  function find(eventId: string, endpointId: string): WatchedDelivery | undefined {
    const found = byKey.get(`${eventId}/${endpointId}`);
    if (found === undefined) verdict.fail(`Nobody owes ${nameOf({ eventId, endpointId })}.`);
    return found;
  }

  function lineOf({ eventId, endpointId }: WatchedDelivery): string {
    const key = store.delivery(eventId, endpointId)?.orderKey ?? null;
    return `${endpointId} ${key ?? eventId}`;
  }

  function startOne(one: WatchedDelivery, { post, eventIds, config }: WatchedPost): void {
    const row = store.delivery(one.eventId, one.endpointId);
    const isLeased = row?.state === 'pending' && row.node === post.process.node;
    verdict.expect(
      isLeased,
      () => `${nameOf(one)} was posted while it is ${row?.state}, held by ${row?.node}.`,
    );
    verdict.expect(row?.projectId === config.projectId, () => `${nameOf(one)}: another project's.`);
    verdict.expect(!one.isUnderWay, () => `${nameOf(one)} was posted twice at once.`);
    verdict.expect(!one.isEnded, () => `${nameOf(one)} was posted again after it had ended.`);
    verdict.expect(
      row?.failures === one.failures,
      () => `${nameOf(one)} has ${row?.failures} failures in the store; they were ${one.failures}.`,
    );
    const { notBefore } = one;
    if (notBefore !== null && !lostEnds.has(lineOf(one))) {
      const earlyMs = notBefore.wallMs - time.wallPeakMs(notBefore.sinceElapsedMs);
      verdict.expect(earlyMs <= 0, () => `${nameOf(one)} was retried ${earlyMs} ms too early.`);
    }
    if (row !== undefined) checkLine(one, row, eventIds);
    one.isUnderWay = true;
  }

  /** What stands before it in line has ended, or goes before it in the same post. */
  function checkLine(one: WatchedDelivery, row: StoredDelivery, eventIds: readonly string[]): void {
    if (row.orderKey === null) return;
    const before = eventIds.slice(0, eventIds.indexOf(one.eventId));
    for (const other of store.ofEndpoint(row.endpointId)) {
      if (other.orderKey !== row.orderKey || other.position >= row.position) continue;
      if (other.state !== 'pending' || before.includes(other.eventId)) continue;
      verdict.expect(
        byKey.get(`${other.eventId}/${other.endpointId}`)?.hasEnded === true,
        () => `${nameOf(one)} overtook ${name(other.eventId)} of its line.`,
      );
    }
  }

  function endOne(one: WatchedDelivery, watched: WatchedPost, step: ExpectedStep): void {
    one.unstored = { watched, step };
    awaitingRecord.add(one);
    if (step.kind === 'retry') verdict.count('retry');
    else end(one, step);
  }

  function end(one: WatchedDelivery, step: Exclude<ExpectedStep, { kind: 'retry' }>): void {
    one.isEnded = true;
    one.hasEnded = true;
    if (step.kind === 'dead') verdict.count(step.isGone ? 'dead by 410' : 'dead after its ladder');
    if (step.kind === 'delivered') one.successes += 1;
  }

  function noteJitter(step: ExpectedStep, endedMs: number, dueAtMs: number | null): void {
    if (step.kind !== 'retry' || step.rungMs === null || dueAtMs === null) return;
    jitters.push((dueAtMs - endedMs) / step.rungMs);
  }

  function checkNext(one: WatchedDelivery, attempt: AttemptRecord, step: ExpectedStep): void {
    const { next } = attempt;
    const expected = step.kind === 'retry' ? 'pending' : step.kind;
    verdict.expect(
      next.state === expected,
      () => `${nameOf(one)} became ${next.state}, not ${expected}.`,
    );
    if (next.state !== 'pending' || step.kind !== 'retry') return;
    const failures = one.failures + (step.counts ? 1 : 0);
    verdict.expect(
      next.failures === failures,
      () => `${nameOf(one)} has ${next.failures} failures, not ${failures}.`,
    );
    const { dueAtMs } = next;
    if (dueAtMs === null) return;
    verdict.expect(
      dueAtMs >= step.earliestMs && dueAtMs <= step.latestMs,
      () =>
        `${nameOf(one)} is due at ${dueAtMs}, not from ${step.earliestMs} to ${step.latestMs} (rung ${step.rungMs}).`,
    );
  }

  return {
    all: () => byKey.values(),
    jitters,
    appended(event) {
      for (const { endpointId } of event.deliveries) {
        byKey.set(`${event.id}/${endpointId}`, {
          eventId: event.id,
          endpointId,
          isUnderWay: false,
          notBefore: null,
          isEnded: false,
          hasEnded: false,
          failures: 0,
          successes: 0,
          excuses: 0,
          unstored: null,
        });
      }
    },
    started(watched) {
      for (const eventId of watched.eventIds) {
        const one = find(eventId, watched.config.id);
        if (one !== undefined) startOne(one, watched);
      }
    },
    ended(watched, result, endedMs) {
      for (const eventId of watched.eventIds) {
        const one = find(eventId, watched.config.id);
        if (one === undefined) continue;
        one.isUnderWay = false;
        if (result.errorCode === 'aborted') continue;
        const { breaker, isProbe: wasProbe, config } = watched;
        const { failures } = one;
        const attempts = store.delivery(eventId, config.id)?.attempts ?? 0;
        const { ladderMs } = config;
        const rule = { result, attempts, failures, ladderMs, endedMs, breaker, wasProbe };
        const step = expectStep(rule);
        endOne(one, watched, step);
      }
    },
    recording(attempt) {
      const one = find(attempt.eventId, attempt.endpointId);
      if (one?.unstored == null || !awaitingRecord.delete(one)) {
        if (one !== undefined) verdict.fail(`A result of ${nameOf(one)} came out of nowhere.`);
        return;
      }
      const { watched, step } = one.unstored;
      const row = store.delivery(one.eventId, one.endpointId);
      const isRight =
        attempt.startedAtMs === watched.post.startedAtMs &&
        attempt.number === (row?.attempts ?? 0) + 1 &&
        attempt.orderKey === (row?.orderKey ?? null);
      verdict.expect(isRight, () => `The attempt of ${nameOf(one)} is recorded as another one.`);
      checkNext(one, attempt, step);
      const { next } = attempt;
      const dueAtMs = next.state === 'pending' ? next.dueAtMs : null;
      const [first] = watched.eventIds;
      // One for all of a batch.
      if (one.eventId === first) {
        noteJitter(step, attempt.startedAtMs + attempt.latencyMs, dueAtMs);
      }
      checkInLine(one, attempt, watched.eventIds);
    },
    recorded({ eventId, endpointId, next }) {
      const one = find(eventId, endpointId);
      if (one?.unstored == null) return;
      const { step } = one.unstored;
      one.unstored = null;
      one.failures = next.state === 'pending' ? next.failures : 0;
      if (step.kind !== 'retry') return;
      const isDue = next.state === 'pending' && next.dueAtMs !== null;
      const sinceElapsedMs = time.elapsedMs();
      one.notBefore = isDue ? { wallMs: step.earliestMs, sinceElapsedMs } : null;
    },
    recordFailed({ eventId, endpointId }) {
      const one = find(eventId, endpointId);
      if (one !== undefined) forgetResult(one);
      verdict.count('result that the store failed');
    },
    requeued(eventId, endpointId) {
      const one = find(eventId, endpointId);
      if (one === undefined) return;
      if (one.hasEnded) one.excuses += 1;
      Object.assign(one, { isEnded: false, hasEnded: false, failures: 0, notBefore: null });
    },
    checkRecorded() {
      for (const one of awaitingRecord) verdict.fail(`No result of ${nameOf(one)} was recorded.`);
    },
    processEnded() {
      awaitingRecord.clear();
      for (const one of byKey.values()) {
        if (one.unstored !== null) verdict.count('result lost by a crash');
        forgetResult(one);
        one.isUnderWay = false;
      }
    },
  };

  function forgetResult(one: WatchedDelivery): void {
    if (one.unstored === null) return;
    const { step } = one.unstored;
    one.unstored = null;
    one.isEnded = false;
    if (step.kind === 'delivered') one.excuses += 1;
    if (step.kind === 'retry') return;
    // It goes again, and what stands in line behind it comes along, whatever that was waiting for.
    lostEnds.add(lineOf(one));
  }

  /** Behind an earlier one of its line that is retried, it has no due time; otherwise it has one. */
  function checkInLine(
    one: WatchedDelivery,
    { next, orderKey }: AttemptRecord,
    eventIds: readonly string[],
  ): void {
    if (next.state !== 'pending') return;
    const before = eventIds.slice(0, eventIds.indexOf(one.eventId));
    const isBehind = before.some((eventId) => {
      const other = byKey.get(`${eventId}/${one.endpointId}`);
      const otherKey = store.delivery(eventId, one.endpointId)?.orderKey ?? null;
      return orderKey !== null && otherKey === orderKey && other?.unstored?.step.kind === 'retry';
    });
    verdict.expect(
      isBehind === (next.dueAtMs === null),
      () => `${nameOf(one)} is due at ${next.dueAtMs}, and ${isBehind ? '' : 'not '}in line.`,
    );
  }
}
