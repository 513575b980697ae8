import type { Ids } from '../core/ids.ts';
import { bodyRetainUntil } from '../core/mail/body-retention.ts';
import { HOLD_MS } from '../core/mail/hold-rules.ts';
import { domainOf } from '../core/mail/mail-domain.ts';
import type { Clock } from '../lib/clock.ts';
import type { Statement } from '../store/engine.ts';
import type { EventLog, NewEvent } from '../store/log/event-log.ts';
import type { HeldMessages, HeldRecord } from '../store/mail/held-messages.ts';
import type { MessageRecord, Messages } from '../store/mail/messages.ts';
import type { SuppressionRecord } from '../store/mail/suppressions.ts';
import type { AcceptedMessage, FreshMail } from './accept-message.ts';
import { putBefore } from './dkim/sign-message.ts';
import type { SenderRules } from './domains/sender-rules.ts';
import { newHeldRecord, toHoldBlock } from './hold/held-record.ts';
import type { Hold } from './hold/hold-decider.ts';
import { createMailEvent } from './mail-event.ts';
import { SANDBOX_LANE, sandboxSuppressed } from './sandbox/sandbox-delivery.ts';
import type { SuppressionCheck } from './suppression/suppression-check.ts';
import { toSuppressionBlock } from './suppression/suppression-event.ts';

/** Messages of one request that are composed and signed at a time: signing is done by four threads. */
const DRAFTS_AT_ONCE = 8;

/** A message that is put together, and not signed yet. */
export interface Draft {
  fields: Omit<MessageRecord, 'sizeBytes' | 'createdAtMs' | 'expiresAtMs' | 'retainUntilMs'>;
  composed: Buffer;
  /** Header fields of ours that are to stand before it. */
  top?: Buffer;
  recipients: AcceptedMessage['recipients'];
  /** It waits for a person. */
  hold: Hold | null;
}

/** A message that only has to be committed. */
export interface PreparedDraft {
  events: NewEvent[];
  statements: Statement[];
  /** To be called after the commit: one of both. */
  pass(): void;
  drop(): void;
}

export interface DraftStoreOptions {
  messages: Pick<Messages, 'insertion'>;
  held: Pick<HeldMessages, 'insertion'>;
  log: EventLog;
  fresh: FreshMail;
  ids: Ids;
  clock: Clock;
  /** Recipients that are on the suppression list: they get nothing. */
  suppressed: SuppressionCheck;
  /** Which domains may send, and their signatures. */
  senders: SenderRules;
  expiryMs: number;
  /** How long a message of this project is kept, and its bytes. */
  retentionOf: (projectId: string) => { retentionMs: number; bodyRetentionMs: number };
}

/** Signs a message, and says what is to be committed for it. */
export function createDraftPreparer(
  options: DraftStoreOptions,
): (draft: Draft) => Promise<PreparedDraft> {
  const { ids, clock, fresh } = options;

  return async ({ fields, composed, top, recipients, hold }) => {
    const { projectId, stream, headerFrom } = fields;
    const addresses = recipients.map(({ address }) => address);
    const [raw, suppressed] = await Promise.all([
      // One of which everybody gets his own copy is signed when that is made, a held one when it is let go.
      fields.tracking === null && hold === null
        ? options.senders.sign(projectId, headerFrom, composed, top)
        : putBefore(composed, top),
      fields.sandbox
        ? sandboxSuppressed(projectId, addresses, clock.now())
        : options.suppressed({ projectId, stream, addresses }),
    ]);
    const nowMs = clock.now();
    const dueAtMs = Math.max(nowMs, fields.sendAtMs ?? 0);
    const { retentionMs, bodyRetentionMs } = options.retentionOf(projectId);
    const message: MessageRecord = {
      ...fields,
      sizeBytes: raw.length,
      createdAtMs: nowMs,
      expiresAtMs: dueAtMs + options.expiryMs,
      retainUntilMs: dueAtMs + retentionMs,
    };
    const laneOf = (address: string): string => (fields.sandbox ? SANDBOX_LANE : domainOf(address));
    const domains = addresses.filter((address) => !suppressed.has(address)).map(laneOf);
    const heldRecord =
      hold === null || domains.length === 0 ? null : newHeldRecord(message, hold, nowMs);
    const isForLater = domains.length === 0 || dueAtMs > nowMs || heldRecord !== null;
    const reserved = isForLater ? null : fresh.reserve(raw.length, domains);
    const node = reserved?.node ?? null;
    const transmissions = recipients.map(({ address, kind }) => {
      const one = { recipient: address, kind, domain: laneOf(address), dueAtMs };
      return suppressed.has(address)
        ? { ...one, node: null, state: 'rejected' as const }
        : { ...one, node, state: heldRecord === null ? ('queued' as const) : ('held' as const) };
    });
    const events = addresses.flatMap((recipient) => {
      const about = { atMs: nowMs, message, recipient };
      const type = 'email.accepted' as const;
      const accepted = createMailEvent({ ...about, id: ids.next('event'), type });
      const entry = suppressed.get(recipient);
      const more = followUp(entry, heldRecord);
      const all = [
        accepted,
        ...more.map((one) => createMailEvent({ ...about, id: ids.next('event'), ...one })),
      ];
      return all.map((event) => ({ projectId, dedupKey: null, event }));
    });
    const startsByMs = heldRecord === null ? dueAtMs : Math.max(dueAtMs, nowMs + HOLD_MS);
    const { expiryMs } = options;
    const bodyRetainUntilMs = bodyRetainUntil({ startsByMs, bodyRetentionMs, expiryMs });
    const insertion = { message, raw, bodyRetainUntilMs, transmissions };
    return {
      events,
      statements: [
        ...options.messages.insertion(insertion),
        ...(heldRecord === null ? [] : [options.held.insertion(heldRecord)]),
      ],
      drop() {
        if (node !== null) fresh.drop(raw.length, domains);
      },
      pass() {
        const queued = transmissions.filter(({ state }) => state === 'queued');
        if (node !== null) fresh.take(message, raw, queued);
        else if (queued.length > 0) fresh.wake(dueAtMs);
      },
    };
  };
}

/**
 * Signs messages and stores them with their events and their places in the queue: all of them in one
 * commit, or none, and then `giveBack` is called.
 */
export function createDraftStore(options: DraftStoreOptions) {
  const prepare = createDraftPreparer(options);

  return async function store(
    drafts: readonly (() => Promise<Draft>)[],
    beside: () => readonly Statement[],
    giveBack: () => void,
  ): Promise<void> {
    const prepared: PreparedDraft[] = [];
    try {
      for (let i = 0; i < drafts.length; i += DRAFTS_AT_ONCE) {
        const some = drafts.slice(i, i + DRAFTS_AT_ONCE).map(async (draft) => {
          prepared.push(await prepare(await draft()));
        });
        const failed = (await Promise.allSettled(some)).find(({ status }) => status === 'rejected');
        if (failed?.status === 'rejected') throw failed.reason;
      }
      await options.log.append(
        prepared.flatMap(({ events }) => events),
        [...prepared.flatMap(({ statements }) => statements), ...beside()],
      );
    } catch (error) {
      for (const one of prepared) one.drop();
      giveBack();
      throw error;
    }
    for (const one of prepared) one.pass();
  };
}

/** What is told of a recipient beside that the message was accepted. */
function followUp(entry: SuppressionRecord | undefined, held: HeldRecord | null) {
  if (entry !== undefined) {
    return [{ type: 'email.rejected' as const, suppression: toSuppressionBlock(entry) }];
  }
  return held === null ? [] : [{ type: 'email.held' as const, hold: toHoldBlock(held) }];
}
