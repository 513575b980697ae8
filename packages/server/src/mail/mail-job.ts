import type { ClaimedTransmission } from '../store/engine.ts';
import type { MessageRecord } from '../store/mail/messages.ts';

/** One message for the recipients that share a destination: one SMTP transaction. */
export interface MailJob {
  projectId: string;
  messageId: string;
  laneKey: string;
  /** Of the first recipient; with a smarthost the others may differ. */
  domain: string;
  recipients: { recipient: string; attempts: number; reachedServer: boolean }[];
  /** When it is given up. */
  expiresAtMs: number;
  /** Null when they have to be read back from the store. */
  message: MessageRecord | null;
  raw: Uint8Array | null;
}

/** RFC 5321 4.5.3.1.8: a server must take 100 recipients in one transaction; more is its own choice. */
const MAX_RECIPIENTS_PER_TRANSACTION = 100;

export function groupTransmissions(
  transmissions: readonly ClaimedTransmission[],
  laneKeyOf: (domain: string) => string,
): MailJob[] {
  const open = new Map<string, MailJob>();
  const jobs: MailJob[] = [];
  for (const { projectId, messageId, domain, expiresAtMs: atMs, ...recipient } of transmissions) {
    const laneKey = laneKeyOf(domain);
    const key = `${messageId}/${laneKey}`;
    let job = open.get(key);
    if (job === undefined || job.recipients.length >= MAX_RECIPIENTS_PER_TRANSACTION) {
      const expiresAtMs = atMs ?? Number.POSITIVE_INFINITY;
      const about = { projectId, messageId, laneKey, domain, expiresAtMs };
      job = { ...about, recipients: [], message: null, raw: null };
      open.set(key, job);
      jobs.push(job);
    }
    job.recipients.push(recipient);
  }
  return jobs;
}
