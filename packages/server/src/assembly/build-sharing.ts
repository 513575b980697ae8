import { hostname } from 'node:os';
import type { LeaseFence } from '../nodes/lease-fence.ts';
import { shareWork, type WorkSharing } from '../nodes/share-work.ts';
import type { Access } from './build-access.ts';
import type { Mail } from './build-mail.ts';
import type { Sinks } from './build-sinks.ts';
import type { Sources } from './build-sources.ts';
import type { Webhooks } from './build-webhooks.ts';
import type { Basics } from './open-basics.ts';

/** Who else works on the database, what they have changed, and what they have left. */
export function buildSharing(
  { config, store, projects, node, version, clock, log }: Basics,
  ties: {
    access: Access;
    webhooks: Webhooks;
    mail: Pick<Mail, 'deliverer' | 'domainRoom'>;
    sources: Sources;
    sinks: Sinks;
    fence: LeaseFence;
  },
): WorkSharing {
  const { directory, dispatcher } = ties.webhooks;
  const { deliverer, domainRoom } = ties.mail;
  const sources = ties.sources.directory;
  return shareWork({
    ...store,
    self: { id: node, host: hostname(), pid: process.pid, version, roles: [...config.roles] },
    stats: () => ({
      deliveriesInMemory: dispatcher.stats().inMemory,
      postsInFlight: dispatcher.stats().inFlight,
      mailInMemory: deliverer.stats().jobs,
    }),
    sharer: {
      refreshEndpoint: directory.refresh,
      refreshEndpoints: directory.refreshAll,
      refreshSource: sources.refresh,
      refreshSources: sources.refreshAll,
      refreshSinks: ties.sinks.sinkRoom.refresh,
      refreshProjects: projects.refresh,
      refreshDomains: domainRoom.directory.load,
      forgetKeys: ties.access.authenticator.forgetAll,
      noteDue: dispatcher.noteDue,
      noteMailDue: () => deliverer.wake(clock.now()),
      dropLeases() {
        dispatcher.dropLeases();
        deliverer.dropLeases();
      },
    },
    fence: ties.fence,
    clock,
    log,
  });
}
