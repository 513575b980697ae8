import type { Ids } from '../../core/ids.ts';
import type { Stream } from '../../core/mail/streams.ts';
import { hashSuppressed } from '../../core/mail/suppression.ts';
import {
  type MessageTracking,
  settleTracking,
  type TrackingWish,
} from '../../core/mail/tracking.ts';
import { defaultsOfStream, type ProjectSending } from '../../core/project-settings.ts';
import { PosthornError } from '../../lib/errors.ts';
import type { SecretBox } from '../../lib/secrets/secret-box.ts';
import type { EventLog } from '../../store/log/event-log.ts';
import type { MessageRecord } from '../../store/mail/messages.ts';
import type { Store } from '../../store/store.ts';
import type { DomainDirectory } from '../domains/domain-directory.ts';
import type { SenderRules } from '../domains/sender-rules.ts';
import { preparePersonalCopies } from './personalize-message.ts';
import { createEngagementRecorder, type EngagementRecorder } from './record-engagement.ts';
import { trackingHostOf } from './tracking-host.ts';
import { createTrackingTokens, type TrackingTokens } from './tracking-token.ts';
import type { UnsubscribeAddress } from './unsubscribe-mail.ts';
import { createUnsubscriber, type Unsubscriber } from './unsubscriber.ts';

/** What a message says of being followed, and of leaving. */
export interface TrackingRequest {
  stream: Stream;
  wish: TrackingWish;
  /** It asks for our page; undefined: the project decides. */
  wantsPage: boolean | undefined;
  /** It names a page of the sender's own. */
  hasOwnPage: boolean;
  /** It names a way to leave: a page, or an address. */
  hasWayOut: boolean;
}

/** Makes the copy of one recipient: wrapped, then signed. */
export type PersonalCopy = (recipient: string) => Promise<Buffer>;

/** Opens, clicks and unsubscribes: what goes out, and what comes back. */
export interface TrackingRoom {
  /**
   * When a message is accepted: what holds for it, null for nothing. Throws `invalid_field` where it asks
   * for what cannot be, because nobody has said where this server is reached, and where its stream wants a
   * way to leave and there is none.
   */
  settle(projectId: string, request: TrackingRequest): MessageTracking | null;
  /** When it is transmitted; null where everybody gets what is stored. */
  personalize(message: MessageRecord, raw: Uint8Array): PersonalCopy | null;
  tokens: TrackingTokens;
  recorder: EngagementRecorder;
  unsubscriber: Unsubscriber;
  /** Whether links in mail lead to this host: a proxy may get a certificate for it. */
  isLinkHost(host: string): boolean;
}

export function createTrackingRoom(deps: {
  config: { publicUrl: string | null; trackingDomains: boolean };
  secretBox: Pick<SecretBox, 'derive'>;
  directory: Pick<DomainDirectory, 'findSender' | 'all'>;
  rules: Pick<SenderRules, 'sign'>;
  store: Pick<Store, 'messages' | 'events' | 'suppressions'>;
  log: EventLog;
  ids: Ids;
  now: () => number;
  sendingOf: (projectId: string) => ProjectSending;
  unsubscribeAddress: UnsubscribeAddress;
}): TrackingRoom {
  const { config, directory, log, ids, now, sendingOf } = deps;
  const { messages, events, suppressions } = deps.store;
  const { publicUrl } = config;
  const tokens = createTrackingTokens(deps.secretBox);
  const keepsReaders = (projectId: string): boolean => sendingOf(projectId).keepReaders;
  const shared = { messages, log, ids, now, keepsReaders };

  function originFor({ projectId, headerFrom }: MessageRecord, base: string): string {
    if (!config.trackingDomains) return base;
    const host = trackingHostOf(directory.findSender(projectId, headerFrom)?.record ?? null);
    if (host === null) return base;
    const { protocol } = new URL(base);
    return `${protocol}//${host}`;
  }

  return {
    tokens,
    recorder: createEngagementRecorder({ ...shared, events }),
    unsubscriber: createUnsubscriber({ ...shared, suppressions }),
    settle(projectId, { stream, wish, wantsPage, hasOwnPage, hasWayOut }) {
      const sending = sendingOf(projectId);
      const lacksWayOut =
        !hasWayOut && wantsPage !== true && sending.streams[stream].requireUnsubscribe;
      if (lacksWayOut && (publicUrl === null || wantsPage === false)) refuseWithoutWayOut(stream);
      const asks = wantsPage === true || wish.opens === true || wish.clicks === true;
      if (publicUrl === null) {
        if (!asks) return null;
        const detail =
          'Opens, clicks and the unsubscribe page need the setting public_url: where recipients reach this server.';
        const pointer = wantsPage === true ? '/unsubscribe/hosted' : '/tracking';
        throw new PosthornError('invalid_field', detail, { fields: [{ pointer, detail }] });
      }
      const defaults = defaultsOfStream(sending, stream);
      const usual = lacksWayOut || (defaults.unsubscribePage && !hasOwnPage);
      return settleTracking(wish, defaults, {
        unsubscribe: wantsPage ?? usual,
        exceptHashes: (wish.except ?? []).map((address) => hashSuppressed(projectId, address)),
      });
    },
    personalize(message, raw) {
      const { projectId, headerFrom, tracking } = message;
      if (tracking === null) return null;
      const { rules } = deps;
      const sign = (copy: Buffer) => rules.sign(projectId, headerFrom, copy);
      const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
      // The setting was there when the message was accepted; without it, it goes out as it is.
      if (publicUrl === null) return () => sign(bytes);
      const origin = originFor(message, publicUrl);
      const copyFor = preparePersonalCopies(bytes, {
        ...{ message, tracking, tokens, origin },
        leavingAddress: (recipient) => deps.unsubscribeAddress(message, recipient),
      });
      return (recipient) => sign(copyFor(recipient));
    },
    isLinkHost(host) {
      const name = host.toLowerCase();
      if (publicUrl !== null && new URL(publicUrl).hostname === name) return true;
      return config.trackingDomains && directory.all().some((one) => trackingHostOf(one) === name);
    },
  };
}

function refuseWithoutWayOut(stream: Stream): never {
  const detail = `Mail of the stream "${stream}" needs a way to leave: give url or mailto (by SMTP a List-Unsubscribe header), or let recipients leave by a page of this server, which needs the setting public_url.`;
  throw new PosthornError('invalid_field', detail, {
    fields: [{ pointer: '/unsubscribe', detail }],
  });
}
