import type { CanonicalEvent } from '@posthorn/sdk';
import type { Ids } from '../core/ids.ts';
import { isAboutNotice } from '../core/mail/notice-tag.ts';
import { type Clock, toTimestamp } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { StoreUnavailable } from '../store/engine.ts';
import type { EventLog } from '../store/log/event-log.ts';
import type { Report } from './endpoints/endpoint-health.ts';

/** A notice to the person whom an endpoint names, by email. */
export interface Notice {
  projectId: string;
  to: string;
  subject: string;
  text: string;
}

/** Puts reports into the log, whence other endpoints hear of them, and tells the owner by email. */
export interface Reporter {
  /** Never throws; while the store refuses, reports wait in memory. */
  report(report: Report): void;
  /** Gives up what waits. */
  stop(): void;
}

const AGAIN_MS = 1_000;

/** An endpoint with a backlog can exhaust thousands of deliveries; its owner hears of the first. */
const EXHAUSTED_NOTICE_EVERY_MS = 86_400_000;

/** Reports that wait for the store, at most. Beyond, they are logged only. */
const MAX_WAITING = 10_000;

export function createReporter(options: {
  eventLog: Pick<EventLog, 'append'>;
  ids: Ids;
  clock: Clock;
  log: Log;
  notify: (notice: Notice) => Promise<unknown>;
}): Reporter {
  const { eventLog, ids, clock, log } = options;
  const lastExhausted = new Map<string, number>();
  let waiting = 0;
  let stopped = false;

  async function store(report: Report, event: CanonicalEvent): Promise<void> {
    const { projectId } = report.endpoint;
    try {
      const [stored] = await eventLog.append([{ projectId, event, dedupKey: report.dedupKey }]);
      if (stored?.duplicateOf === null) await tell(report);
    } catch (error) {
      if (stopped) return;
      if (error instanceof StoreUnavailable && waiting < MAX_WAITING) {
        waiting += 1;
        clock.after(AGAIN_MS, () => {
          waiting -= 1;
          void store(report, event);
        });
        return;
      }
      log.error({ ...event, error: messageOf(error) }, 'A report could not be stored');
    }
  }

  async function tell(report: Report): Promise<void> {
    const { projectId, id, settings } = report.endpoint;
    if (settings.notifyEmail === null) return;
    const isExhausted = report.type === 'delivery.exhausted';
    // The mail would have events of its own, which the endpoint would not take either, and so on.
    if (isExhausted && isAboutNotice(report)) return;
    if (isExhausted) {
      const lastMs = lastExhausted.get(id);
      if (lastMs !== undefined && clock.now() - lastMs < EXHAUSTED_NOTICE_EVERY_MS) return;
      lastExhausted.set(id, clock.now());
    }
    try {
      await options.notify({ projectId, to: settings.notifyEmail, ...writeNotice(report) });
    } catch (error) {
      if (isExhausted) lastExhausted.delete(id);
      log.error({ endpoint: id, error: messageOf(error) }, 'A notice by email was not accepted');
    }
  }

  return {
    report(report) {
      const { type, data } = report;
      const timestamp = toTimestamp(clock.now());
      const base = { provider: 'posthorn', received_at: timestamp };
      const event = { id: ids.next('event'), type, timestamp, data: { ...base, ...data } };
      void store(report, event);
    },
    stop() {
      stopped = true;
    },
  };
}

/** What happened, why, and what to do, in plain text. */
export function writeNotice({ endpoint, type, data }: Report): { subject: string; text: string } {
  const name = endpoint.description === '' ? endpoint.url : endpoint.description;
  const { headline, advice } = explain(type, data);
  const facts = [
    `Endpoint: ${endpoint.url}`,
    `Id: ${endpoint.id}`,
    ...(data.endpoint?.failing_since == null
      ? []
      : [`Failing since: ${data.endpoint.failing_since}`]),
    ...(data.endpoint?.reason == null ? [] : [`Last error: ${data.endpoint.reason}`]),
    ...(data.exhausted === undefined
      ? []
      : [
          `Event: ${data.exhausted.event_type} ${data.exhausted.event_id}`,
          `Attempts: ${data.exhausted.attempts}`,
          `Last error: ${data.exhausted.last_error?.detail ?? data.exhausted.last_error?.code ?? 'unknown'}`,
        ]),
  ];
  return {
    subject: `[Posthorn] ${headline}: ${name}`,
    text: [`${headline}.`, '', ...facts, '', advice, ''].join('\n'),
  };
}

function explain(
  type: Report['type'],
  { endpoint, backlog }: Report['data'],
): { headline: string; advice: string } {
  switch (type) {
    case 'endpoint.failing':
      return {
        headline: `Webhook endpoint failing, ${endpoint?.patience_used_percent ?? 0}% of its patience used`,
        advice:
          'At 100% it is disabled. Events wait meanwhile and are delivered when it answers with 2xx again.',
      };
    case 'endpoint.disabled':
      return {
        headline: 'Webhook endpoint disabled',
        advice:
          'Events for it are now recorded as skipped; none is lost. Repair the endpoint, enable it (PATCH /v1/endpoints/{id} with status "enabled"), then replay what it missed (POST /v1/endpoints/{id}/replay).',
      };
    case 'endpoint.backlog':
      return {
        headline: `${backlog?.depth ?? 0}${backlog?.at_least === true ? ' or more' : ''} events wait for a webhook endpoint, the first for ${backlog?.lag_seconds ?? 0} s`,
        advice:
          'None is lost. Look at what the endpoint answers (GET /v1/deliveries?endpoint_id=...), at its latency, and at its own limits (concurrency, rate, order). This is said once, and again only after the backlog was gone.',
      };
    case 'endpoint.recovered':
      return {
        headline: 'Webhook endpoint works again',
        advice: 'What had waited is being delivered at a rate that grows. Nothing is to be done.',
      };
    default:
      return {
        headline: 'A webhook event could not be delivered',
        advice:
          'It is kept as dead. Repair the cause, then retry it (POST /v1/deliveries/{id}/retry) or replay all that are dead. Further ones within a day are not reported by email.',
      };
  }
}
