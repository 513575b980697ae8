import { MAX_REPORT_BYTES } from '@posthorn/bounce';
import type { Ids } from '../../core/ids.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';
import type { IncomingDoor } from '../../smtp/incoming/incoming.ts';
import type { EventLog } from '../../store/log/event-log.ts';
import type { Messages } from '../../store/mail/messages.ts';
import type { DomainDirectory } from '../domains/domain-directory.ts';
import type { DsnWriter } from '../dsn/create-dsn-writer.ts';
import { createEnvelopeSender, type EnvelopeSender } from './envelope-sender.ts';
import { parseMailboxUrl } from './parse-mailbox-url.ts';
import { createPop3MailboxReader } from './pop3/read-pop3-mailbox.ts';
import { createMailboxReader, type MailboxReader } from './read-mailbox.ts';
import { createReportTaker, type TakenMail } from './report-taker.ts';
import { BOUNCE_PREFIX, createReturnPathTokens } from './return-path-token.ts';

export interface ReturnPathSettings {
  hostname: string;
  maxMessageSize: number;
  returnPathDomain: string | null;
  returnPathPort: number | null;
  bounceMailbox: string | null;
  bounceMailboxDone: string;
  bounceMailboxEvery: number;
}

/** Everything about mail that comes back. */
export interface ReturnPathRoom {
  envelopeSender: EnvelopeSender;
  /** For mail to return paths, and to the address for complaints. */
  door: IncomingDoor;
  /** Null where no mailbox is set. */
  mailbox: MailboxReader | null;
}

/** Where feedback loops of providers send to. */
const FEEDBACK_LOCAL_PART = 'fbl';
/** A report returns a whole message, maybe encoded once more. */
const SIZE_FACTOR = 2;
const NO_REPORT = {
  code: 550,
  text: '5.7.1 This is no delivery report; write to the address in From',
} as const;

export function createReturnPath(deps: {
  config: ReturnPathSettings;
  secretBox: Pick<SecretBox, 'derive'>;
  messages: Messages;
  log: EventLog;
  dsnWriter: DsnWriter;
  directory: Pick<DomainDirectory, 'findSender'>;
  projectIds: () => readonly string[];
  /** For the metrics. */
  onMail: (door: 'smtp' | 'mailbox', taken: TakenMail) => void;
  ids: Ids;
  clock: Clock;
  logger: Log;
}): ReturnPathRoom {
  const { config, projectIds, logger } = deps;
  const tokens = createReturnPathTokens({
    key: deps.secretBox.derive('return-path'),
    prefix: BOUNCE_PREFIX,
    projectIds,
  });
  const taker = createReportTaker({ ...deps, tokens, now: deps.clock.now });
  const feedbackAddress = `${FEEDBACK_LOCAL_PART}@${config.returnPathDomain ?? config.hostname}`;

  async function take(
    door: 'smtp' | 'mailbox',
    mail: { raw: Uint8Array; addresses: readonly string[] },
  ): Promise<TakenMail> {
    const taken = await taker.take(mail);
    deps.onMail(door, taken);
    if (taken === 'unmatched') logger.info({ door }, 'A report speaks of no message that is known');
    return taken;
  }

  const door: IncomingDoor = {
    maxSizeBytes: config.maxMessageSize * SIZE_FACTOR,
    keepBytes: MAX_REPORT_BYTES,
    knows: async (address) =>
      address.toLowerCase() === feedbackAddress.toLowerCase() || taker.knows(address),
    async take({ raw, recipients, from }) {
      const taken = await take('smtp', { raw, addresses: recipients });
      // A notification in no form that can be read: nobody would get our refusal.
      return taken !== 'unwanted' || from === '' ? null : NO_REPORT;
    },
  };

  function createMailbox(url: string): MailboxReader {
    const place = parseMailboxUrl(url);
    const shared = {
      place,
      everyMs: config.bounceMailboxEvery,
      take: (raw: Uint8Array) => take('mailbox', { raw, addresses: [] }),
    };
    if (place.protocol === 'pop3') return createPop3MailboxReader(shared);
    return createMailboxReader({ ...shared, done: config.bounceMailboxDone, log: logger });
  }

  return {
    envelopeSender: createEnvelopeSender({
      tokens,
      directory: deps.directory,
      serverDomain: config.returnPathDomain,
      isRead: config.returnPathPort !== null || config.bounceMailbox !== null,
    }),
    door,
    mailbox: config.bounceMailbox === null ? null : createMailbox(config.bounceMailbox),
  };
}
