import { createHash } from 'node:crypto';
import { parseReport, type Report } from '@posthorn/bounce';
import { type Ids, isId } from '../../core/ids.ts';
import { toSuppressedAddress } from '../../core/mail/suppression.ts';
import type { EventLog } from '../../store/log/event-log.ts';
import type { MessageRecord, Messages } from '../../store/mail/messages.ts';
import type { DsnEntry } from '../dsn/compose-dsn.ts';
import type { DsnWriter } from '../dsn/create-dsn-writer.ts';
import { reportedDsn } from '../dsn/decide-dsn.ts';
import { createMailEvent } from '../mail-event.ts';
import { decideReport } from './decide-report.ts';
import { findSubject, type Subject } from './find-subject.ts';
import type { ReturnPathRef, ReturnPathTokens } from './return-path-token.ts';

/** A mail that came back: to a return path, to the address for complaints, or into a mailbox. */
export interface ReturnedMail {
  raw: Uint8Array;
  /** Whom it was sent to, where the envelope tells; else what it returns of our message tells. */
  addresses: readonly string[];
}

/**
 * What became of it. `recorded`: an event, or one that was there already. `quiet`: nothing is to be
 * told. `unmatched`: a report, but of no message that we know. `unwanted`: no report.
 */
export type TakenMail = 'recorded' | 'quiet' | 'unmatched' | 'unwanted';

export interface ReportTaker {
  /** Whether an address is the return path of a message that we still have. */
  knows(address: string): Promise<boolean>;
  /** Resolves after the commit. Rejects with StoreUnavailable, and for nothing in the mail. */
  take(mail: ReturnedMail): Promise<TakenMail>;
}

/** Where a return path may stand in a mail: its own headers, or those that it returns. */
const RETURN_PATH = /bounce\+[0-9a-z]{55}(?=@|=40)/gi;
/** Another mail's return path may stand before ours. */
const MAX_CANDIDATES = 20;
/** How the ids of messages without one of their own begin. */
const OWN_MESSAGE_ID = /^<([0-9a-z]{26})@/;

export function createReportTaker(deps: {
  messages: Pick<Messages, 'get' | 'recipients' | 'projectOf'>;
  log: EventLog;
  dsnWriter: DsnWriter;
  tokens: Pick<ReturnPathTokens, 'read' | 'isAbout'>;
  projectIds: () => readonly string[];
  ids: Ids;
  now: () => number;
}): ReportTaker {
  const { messages, tokens } = deps;

  const readAddress = (address: string): ReturnPathRef | null =>
    tokens.read(address.slice(0, Math.max(0, address.lastIndexOf('@'))));

  const find = (ref: ReturnPathRef): Promise<Subject | null> => findSubject(ref, deps);

  function findInside(raw: Uint8Array): ReturnPathRef | null {
    const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1');
    let looked = 0;
    for (const [localPart] of text.matchAll(RETURN_PATH)) {
      const ref = tokens.read(localPart);
      if (ref !== null) return ref;
      looked += 1;
      if (looked >= MAX_CANDIDATES) return null;
    }
    return null;
  }

  /**
   * A complaint whose provider has removed the return path. Our own ids cannot be guessed, and of a
   * message to several people nobody but its return path says who complains.
   */
  async function findByMessageId({ original, recipients }: Report): Promise<Subject | null> {
    const ulid = OWN_MESSAGE_ID.exec(original?.messageId?.toLowerCase() ?? '')?.[1];
    const id = `msg_${ulid?.toUpperCase()}`;
    if (ulid === undefined || !isId('message', id)) return null;
    const projectId = await messages.projectOf(id, deps.projectIds());
    if (projectId === null) return null;
    const [only, ...others] = await messages.recipients(projectId, id);
    const message = await messages.get(projectId, id);
    if (message === null || only === undefined || others.length > 0) return null;
    const { recipient } = only;
    const isOther = recipients.length > 0 && !recipients.some((one) => isSame(one, recipient));
    return isOther ? null : { message, recipient };
  }

  async function subjectsOf(mail: ReturnedMail, report: Report): Promise<Subject[]> {
    const refs = mail.addresses.flatMap((address) => readAddress(address) ?? []);
    const inside = refs.length > 0 ? null : findInside(mail.raw);
    const found = await Promise.all([...refs, ...(inside === null ? [] : [inside])].map(find));
    const known = found.filter((one) => one !== null);
    if (known.length > 0 || report.kind !== 'complaint') return known;
    const subject = await findByMessageId(report);
    return subject === null ? [] : [subject];
  }

  /**
   * The sender's report, after what it tells of: a report that comes twice is told of once. Who dies
   * between the two leaves the sender with the event alone.
   */
  async function passOn(message: MessageRecord, entry: DsnEntry): Promise<void> {
    const report = await deps.dsnWriter.write(message, [entry]);
    if (report === null) return;
    await deps.log.append(report.events, report.statements);
    report.pass();
  }

  return {
    async knows(address) {
      const ref = readAddress(address);
      return ref !== null && (await find(ref)) !== null;
    },
    async take(mail) {
      const report = parseReport(mail.raw);
      if (isNothing(report)) return 'unwanted';
      const subjects = await subjectsOf(mail, report);
      if (subjects.length === 0) return 'unmatched';
      const atMs = deps.now();
      const told = subjects.flatMap(({ message, recipient }) => {
        const news = decideReport(report, recipient);
        if (news === null) return [];
        const { sameness, ...fields } = news;
        const id = deps.ids.next('event');
        const event = createMailEvent({ id, atMs, message, recipient, ...fields });
        const same = JSON.stringify([message.id, recipient, news.type, ...sameness]);
        const dedupKey = `return-path:${createHash('sha256').update(same).digest('base64url')}`;
        const dsn = reportedDsn(message, recipient, fields);
        return [{ message, dsn, event: { projectId: message.projectId, dedupKey, event } }];
      });
      if (told.length === 0) return 'quiet';
      const appended = await deps.log.append(told.map(({ event }) => event));
      for (const [i, { message, dsn }] of told.entries()) {
        if (dsn !== null && appended[i]?.duplicateOf === null) await passOn(message, dsn);
      }
      return 'recorded';
    },
  };
}

function isNothing({ kind, recipients, feedback }: Report): boolean {
  return kind === 'none' && recipients.length === 0 && feedback === null;
}

function isSame(one: { recipient: string }, recipient: string): boolean {
  return toSuppressedAddress(one.recipient) === toSuppressedAddress(recipient);
}
