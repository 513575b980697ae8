import type { Metrics } from '../http/metrics.ts';
import { createMessageAcceptor, type MessageAcceptor } from '../mail/accept-message.ts';
import { createDeliverer, type Deliverer } from '../mail/deliverer.ts';
import { createDestinationPace } from '../mail/delivery/destination-pace.ts';
import { createTranscriptKeeper } from '../mail/delivery/keep-transcripts.ts';
import { createDomainRoom, type DomainRoom } from '../mail/domains/create-domain-room.ts';
import { createDsnWriter, type DsnWriter } from '../mail/dsn/create-dsn-writer.ts';
import { createHoldDecider } from '../mail/hold/hold-decider.ts';
import { createHoldRoom, type HoldRoom } from '../mail/hold/hold-room.ts';
import { createInboundRoom, type InboundRoom } from '../mail/inbound/create-inbound-room.ts';
import { createIncoming } from '../mail/incoming/create-incoming.ts';
import { createPostmasterDoor } from '../mail/incoming/postmaster-door.ts';
import { createReturnPath, type ReturnPathRoom } from '../mail/return-path/create-return-path.ts';
import { createSendLimits, type SendLimits } from '../mail/send-limits.ts';
import { createTrackingRoom, type TrackingRoom } from '../mail/tracking/create-tracking-room.ts';
import { createUnsubscribeMail } from '../mail/tracking/unsubscribe-mail.ts';
import { createExpectationWatch } from '../mail/watch-expectations.ts';
import type { LeaseFence } from '../nodes/lease-fence.ts';
import type { SmtpListener } from '../smtp/smtp-listener.ts';
import type { Logbook } from './build-log.ts';
import { buildTransmitter, type WaysOut } from './build-transmitter.ts';
import { countAccepted } from './count-accepted.ts';
import type { Basics } from './open-basics.ts';

/** The life of a message, from the door to what comes back. */
export interface Mail {
  acceptor: MessageAcceptor;
  deliverer: Deliverer;
  domainRoom: DomainRoom;
  trackingRoom: TrackingRoom;
  returnPath: ReturnPathRoom;
  inboundRoom: InboundRoom;
  /** For mail from the world; null where no port is set. */
  incoming: SmtpListener | null;
  holdRoom: HoldRoom;
  expectationWatch: ReturnType<typeof createExpectationWatch>;
}

interface MailTies extends Pick<Logbook, 'eventLog' | 'suppression'> {
  metrics: Pick<Metrics, 'messageAccepted' | 'mailReturned' | 'mailReceived'>;
  /** How many nodes deliver mail. */
  nodes: () => number;
  fence: LeaseFence;
}

const MEMORY_MAIL_BYTES = 64 * 1_048_576;

export async function buildMail(basics: Basics, ties: MailTies): Promise<Mail> {
  const { config, store, secretBox, projects, ids, clock } = basics;
  const { now } = clock;
  const log = ties.eventLog;
  const domainRoom = createDomainRoom({
    config,
    domains: store.domains,
    log,
    secretBox,
    ids,
    now,
    requiresVerified: (projectId) => projects.settingsOf(projectId).sending.requireVerifiedDomain,
  });
  const { directory, rules } = domainRoom;
  await directory.load();
  const dsnWriter = createDsnWriter({
    ...{ log, ids, clock, messages: store.messages, held: store.heldMessages, senders: rules },
    suppressed: ties.suppression.check,
    hostname: config.hostname,
    expiryMs: config.mailExpiry,
    retentionOf: projects.settingsOf,
    wake: (atMs) => deliverer.wake(atMs),
  });
  const returnPath = createReturnPath({
    config,
    dsnWriter,
    secretBox,
    messages: store.messages,
    log,
    directory,
    projectIds: () => projects.all().map(({ id }) => id),
    onMail: (door, taken) => ties.metrics.mailReturned(door, taken),
    ids,
    clock,
    logger: basics.log,
  });
  const unsubscribeMail = createUnsubscribeMail({
    ...{ config, secretBox, messages: store.messages, directory },
    projectIds: () => projects.all().map(({ id }) => id),
  });
  const trackingRoom = createTrackingRoom({
    ...{ config, secretBox, directory, rules, store, log, ids, now },
    sendingOf: (projectId) => projects.settingsOf(projectId).sending,
    unsubscribeAddress: unsubscribeMail.addressOf,
  });
  const inboundRoom = createInboundRoom({
    ...{ config, store, log, directory, secretBox, ids, clock, logger: basics.log },
    projectExists: (projectId) => projects.find(projectId) !== null,
    retentionOf: projects.settingsOf,
    onMail: (taken) => ties.metrics.mailReceived(taken),
  });
  const incoming = createIncoming({
    config,
    tls: basics.keys.submissionTls,
    doors: [
      returnPath.door,
      unsubscribeMail.doorTo(trackingRoom.unsubscriber),
      inboundRoom.door,
      createPostmasterDoor({
        ...{ config, directory, now },
        accept: (...message) => acceptor.acceptInput(...message),
        firstProject: () => projects.all()[0]?.id ?? null,
      }),
    ],
    refuseWork: basics.gate.refuseWork,
    logger: basics.log,
  });
  const rooms = { domainRoom, trackingRoom, returnPath, inboundRoom };
  const out = await buildTransmitter(basics);
  const deliverer: Deliverer = buildDeliverer(basics, ties, { ...rooms, dsnWriter, out });
  const sendLimits = createSendLimits({
    ...{ windows: store.sendWindows, log, ids, clock },
    limitsOf: projects.settingsOf,
  });
  const acceptor: MessageAcceptor = buildAcceptor(basics, ties, {
    ...rooms,
    deliverer,
    sendLimits,
  });
  const holdRoom = createHoldRoom({
    ...{ messages: store.messages, held: store.heldMessages, log, sendLimits, ids, clock },
    suppressed: ties.suppression.check,
    senders: rules,
    fresh: deliverer,
    expiryMs: config.mailExpiry,
    retentionOf: projects.settingsOf,
  });
  const { messages, expectations } = store;
  const expectationWatch = createExpectationWatch({ messages, expectations, log, ids, clock });
  return { ...rooms, incoming, deliverer, acceptor, holdRoom, expectationWatch };
}

function buildDeliverer(
  basics: Basics,
  ties: MailTies,
  rooms: Pick<Mail, 'trackingRoom' | 'returnPath'> & { dsnWriter: DsnWriter; out: WaysOut },
): Deliverer {
  const { out } = rooms;
  const { config, store, projects, clock, random, ids, node } = basics;
  return createDeliverer({
    engine: { ...store.engine, ...ties.fence },
    messages: store.messages,
    log: ties.eventLog,
    transmitter: out.transmitter,
    clock,
    random,
    ids,
    logger: basics.log,
    node,
    ladderMs: config.mailRetryLadder,
    suppressed: ties.suppression.check,
    projectExists: (projectId) => projects.find(projectId) !== null,
    smarthost: out.relaysAll,
    envelopeSender: rooms.returnPath.envelopeSender,
    dsnWriter: rooms.dsnWriter,
    transcripts: createTranscriptKeeper({
      transcripts: store.transcripts,
      ids,
      now: clock.now,
      choice: config.mailTranscripts,
      retentionMs: config.mailTranscriptRetention,
    }),
    personalize: rooms.trackingRoom.personalize,
    concurrency: config.mailConcurrency,
    pace: createDestinationPace({
      concurrency: config.mailDestinationConcurrency,
      ratePerSecond: config.mailDestinationRate,
      limits: config.mailDestinationLimits,
      ladderMs: config.mailRetryLadder,
      nodes: ties.nodes,
      now: clock.now,
      random,
    }),
    memoryBytes: MEMORY_MAIL_BYTES,
  });
}

function buildAcceptor(
  { config, store, projects, ids, clock }: Basics,
  { eventLog: log, suppression, metrics }: MailTies,
  rooms: Pick<Mail, 'deliverer' | 'domainRoom' | 'trackingRoom'> & { sendLimits: SendLimits },
): MessageAcceptor {
  const acceptor = createMessageAcceptor({
    messages: store.messages,
    held: store.heldMessages,
    log,
    fresh: rooms.deliverer,
    suppressed: suppression.check,
    senders: rooms.domainRoom.rules,
    sendLimits: rooms.sendLimits,
    expectations: store.expectations,
    holds: createHoldDecider((projectId) => projects.settingsOf(projectId).sending),
    tracking: rooms.trackingRoom,
    ids,
    clock,
    hostname: config.hostname,
    expiryMs: config.mailExpiry,
    retentionOf: projects.settingsOf,
  });
  return countAccepted(acceptor, metrics);
}
