import type { MessageAcceptor } from '../mail/accept-message.ts';
import { type BacklogMonitor, createBacklogMonitor } from '../webhooks/backlog/backlog-monitor.ts';
import { createReporter, type Reporter } from '../webhooks/reporter.ts';
import type { Logbook } from './build-log.ts';
import type { Webhooks } from './build-webhooks.ts';
import type { Basics } from './open-basics.ts';
import { createNoticeSender } from './send-notices.ts';

/** What owners of endpoints are told by itself. */
export interface Reports {
  reporter: Reporter;
  monitor: BacklogMonitor;
}

export function buildReports(
  basics: Basics,
  ties: Pick<Logbook, 'eventLog'> &
    Pick<Webhooks, 'directory'> & { acceptor: Pick<MessageAcceptor, 'acceptInputs'> },
): Reports {
  const { config, store, ids, clock, log } = basics;
  const send = createNoticeSender(basics, () => ties.acceptor);
  const reporter = createReporter({
    eventLog: ties.eventLog,
    ids,
    clock,
    log,
    notify: (notice) => send([notice]),
  });
  const monitor = createBacklogMonitor({
    queue: store.queue,
    directory: ties.directory,
    report: reporter.report,
    clock,
    log,
    threshold: { depth: config.queueAlertDepth, lagMs: config.queueAlertLag },
  });
  return { reporter, monitor };
}
