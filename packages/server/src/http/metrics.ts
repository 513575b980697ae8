import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { outcomeOf } from '../webhooks/post/post-errors.ts';

/** What /metrics shows. Everything is counted where it happened, and read when somebody asks. */
export interface Metrics {
  messageAccepted(door: 'http' | 'smtp'): void;
  eventsAppended(types: readonly string[]): void;
  /** A mail that came back, and what became of it. */
  mailReturned(door: string, outcome: string): void;
  /** A mail that came in for a project's address, and what became of it. */
  mailReceived(outcome: string): void;
  /** Somebody logged in by SMTP, or tried to. */
  smtpLogin(outcome: 'accepted' | 'refused' | 'limited'): void;
  attempt(errorCode: string | null, latencyMs: number): void;
  /** A webhook of another provider. */
  webhookReceived(outcome: { provider: string; outcome: string; reason: string }): void;
  render(): Promise<{ text: string; contentType: string }>;
}

/** Read at each scrape. */
export interface LiveFigures {
  dispatcher(): { inMemory: number; inFlight: number };
  deliverer(): { jobs: number; inFlight: number; slowed: number };
  storeOk(): boolean;
  backlog(): { endpoints: number; lagSeconds: number };
  stalledSources(): number;
  /** Alerts that are open, by the type of their rule. */
  firingAlerts(): Iterable<readonly [type: string, count: number]>;
  waitingDeliveries(): Promise<number>;
  waitingMail(): Promise<number>;
}

export function createMetrics(live: LiveFigures): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const messages = new Counter({
    name: 'posthorn_messages_accepted_total',
    help: 'Messages taken for delivery.',
    labelNames: ['door'],
    registers,
  });
  const events = new Counter({
    name: 'posthorn_events_appended_total',
    help: 'Events stored, duplicates left out.',
    labelNames: ['type'],
    registers,
  });
  const returned = new Counter({
    name: 'posthorn_returned_mail_total',
    help: 'Mails that came back: recorded, quiet (nothing to tell), unmatched, unwanted.',
    labelNames: ['door', 'outcome'],
    registers,
  });
  const inbound = new Counter({
    name: 'posthorn_inbound_mail_total',
    help: 'Mails that came in for addresses of projects: taken, looping, unknown.',
    labelNames: ['outcome'],
    registers,
  });
  const logins = new Counter({
    name: 'posthorn_smtp_logins_total',
    help: 'Logins by SMTP: accepted, refused, limited (not looked at after too many failures).',
    labelNames: ['outcome'],
    registers,
  });
  const attempts = new Counter({
    name: 'posthorn_webhook_attempts_total',
    help: 'Posts to endpoints, by outcome; error_code is empty for a success.',
    labelNames: ['outcome', 'error_code'],
    registers,
  });
  const latency = new Histogram({
    name: 'posthorn_webhook_attempt_seconds',
    help: 'Time from starting a post to its complete answer.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const received = new Counter({
    name: 'posthorn_source_webhooks_total',
    help: 'Webhooks of other providers: taken, refused (with the reason) or postponed.',
    labelNames: ['provider', 'outcome', 'reason'],
    registers,
  });
  const gauge = (name: string, help: string, read: () => number | Promise<number>): void => {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read());
      },
    });
  };
  gauge('posthorn_store_up', '1 while the store takes writes.', () => (live.storeOk() ? 1 : 0));
  gauge('posthorn_webhook_posts_in_flight', 'Posts under way.', () => live.dispatcher().inFlight);
  gauge(
    'posthorn_deliveries_in_memory',
    'Deliveries that this process holds.',
    () => live.dispatcher().inMemory,
  );
  gauge(
    'posthorn_deliveries_waiting',
    'Deliveries that wait in the store.',
    live.waitingDeliveries,
  );
  gauge(
    'posthorn_endpoints_backlogged',
    'Endpoints for which too much waits, or for too long (queue_alert_depth, queue_alert_lag).',
    () => live.backlog().endpoints,
  );
  gauge('posthorn_sources_stalled', 'Sources that are silent and should not be.', () =>
    live.stalledSources(),
  );
  new Gauge({
    name: 'posthorn_alerts_firing',
    help: 'Alerts that are not resolved, as of the last look.',
    labelNames: ['type'],
    registers,
    collect() {
      this.reset();
      for (const [type, count] of live.firingAlerts()) this.set({ type }, count);
    },
  });
  gauge(
    'posthorn_webhook_lag_seconds',
    'For how long the delivery that has been due longest has been due, of enabled endpoints.',
    () => live.backlog().lagSeconds,
  );
  gauge(
    'posthorn_mail_jobs_in_memory',
    'Messages that this process holds for sending.',
    () => live.deliverer().jobs,
  );
  gauge(
    'posthorn_mail_transactions_in_flight',
    'SMTP transactions under way.',
    () => live.deliverer().inFlight,
  );
  gauge(
    'posthorn_mail_destinations_slowed',
    'Destinations that get less mail than they might: they asked for it, or do not answer.',
    () => live.deliverer().slowed,
  );
  gauge(
    'posthorn_mail_waiting',
    "Recipients that wait in the store's mail queue.",
    live.waitingMail,
  );

  return {
    messageAccepted: (door) => messages.inc({ door }),
    eventsAppended(types) {
      for (const type of types) events.inc({ type });
    },
    mailReceived: (outcome) => inbound.inc({ outcome }),
    mailReturned(door, outcome) {
      returned.inc({ door, outcome });
    },
    smtpLogin: (outcome) => logins.inc({ outcome }),
    attempt(errorCode, latencyMs) {
      attempts.inc({
        outcome: outcomeOf(errorCode),
        error_code: errorCode ?? '',
      });
      latency.observe(latencyMs / 1_000);
    },
    webhookReceived: (outcome) => received.inc({ ...outcome }),
    render: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
  };
}
