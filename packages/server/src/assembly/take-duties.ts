import { messageOf } from '../lib/errors.ts';
import type { MailboxReader } from '../mail/return-path/read-mailbox.ts';
import { createDuties } from '../nodes/duties.ts';
import { repeat } from '../nodes/repeat.ts';
import type { Store } from '../store/store.ts';
import type { Alerts } from './build-alerts.ts';
import type { AnalyticsRoom } from './build-analytics.ts';
import type { Jobs } from './build-jobs.ts';
import type { Mail } from './build-mail.ts';
import type { Reports } from './build-reports.ts';
import type { Sinks } from './build-sinks.ts';
import type { Sources } from './build-sources.ts';
import type { Basics } from './open-basics.ts';

/** Work that is to be done by one node: begun when the duty is taken, ended when another has it. */
type Duty = Parameters<ReturnType<typeof createDuties>['hold']>[1];

const PURGE_INTERVAL_MS = 600_000;
const PURGE_ROWS = 500;
/** Between two steps of one round, so that commits have the writer to themselves. */
const PURGE_PAUSE_MS = 50;
/** How often jobs of a node that died are looked for. */
const JOBS_AGAIN_MS = 10_000;

/** What one node does for all. Returns what gives all of it up. */
export function takeDuties(
  { config, store, node, clock, log }: Basics,
  parts: {
    mail: Pick<Mail, 'domainRoom' | 'returnPath' | 'holdRoom' | 'expectationWatch'>;
    sources: Pick<Sources, 'monitor'>;
    sinks: Pick<Sinks, 'sinkRoom'>;
    jobs: Pick<Jobs, 'runner'>;
    reports: Pick<Reports, 'monitor'>;
    analytics: Pick<AnalyticsRoom, 'counter'>;
    alerts: Alerts;
  },
): () => void {
  const duties = createDuties({ nodes: store.nodes, node, clock, log });
  const again = (work: () => Promise<number>): Duty => repeat(work, { clock, log });
  const held = [
    duties.hold(
      'retention',
      again(() => purge(store, clock.now())),
    ),
    duties.hold('sources', asDuty(parts.sources.monitor)),
  ];
  if (config.roles.includes('mail')) {
    const { domainRoom, returnPath, holdRoom, expectationWatch } = parts.mail;
    held.push(
      duties.hold('domains', again(domainRoom.checker.round)),
      duties.hold('holds', again(holdRoom.expire)),
      duties.hold('expectations', again(expectationWatch.round)),
    );
    const { mailbox } = returnPath;
    if (mailbox !== null) {
      held.push(duties.hold('bounce_mailbox', readMailbox(mailbox, again(mailbox.round))));
    }
  }
  if (config.roles.includes('dispatch')) {
    // Jobs go on where they began; this takes up what a dead node left.
    const takeUp = (): Promise<number> => parts.jobs.runner.start().then(() => JOBS_AGAIN_MS);
    held.push(
      duties.hold('backlog', asDuty(parts.reports.monitor)),
      duties.hold('alerts', watchRules(parts.alerts, again(parts.alerts.round))),
      duties.hold('jobs', again(takeUp)),
      duties.hold('stats', again(parts.analytics.counter.step)),
    );
    // Each sink is a duty of its own, so that nodes share them.
    parts.sinks.sinkRoom.start(duties.hold).catch((error: unknown) => {
      log.error({ error: messageOf(error) }, 'The sinks could not be begun');
    });
  }
  return () => {
    for (const giveUp of held) giveUp();
  };
}

function asDuty(monitor: { start(): void; stop(): void }): Duty {
  return { begin: () => monitor.start(), end: () => monitor.stop() };
}

function watchRules({ alertRoom }: Pick<Alerts, 'alertRoom'>, rounds: Duty): Duty {
  return {
    begin: rounds.begin,
    end() {
      rounds.end();
      alertRoom.watch.rest();
    },
  };
}

function readMailbox(mailbox: Pick<MailboxReader, 'abort'>, rounds: Duty): Duty {
  return {
    begin: rounds.begin,
    end() {
      rounds.end();
      mailbox.abort();
    },
  };
}

/** Deletes what has outlived its retention, in small steps: resolves to when the next one is due. */
async function purge(
  { engine, audit }: Pick<Store, 'engine' | 'audit'>,
  nowMs: number,
): Promise<number> {
  await audit.purge(nowMs);
  const { more } = await engine.purgeExpired({ nowMs, limit: PURGE_ROWS });
  return more ? PURGE_PAUSE_MS : PURGE_INTERVAL_MS;
}
