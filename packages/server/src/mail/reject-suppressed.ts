import type { Ids } from '../core/ids.ts';
import type { Clock } from '../lib/clock.ts';
import type { NewEvent } from '../store/log/event-log.ts';
import type { MessageRecord } from '../store/mail/messages.ts';
import { createMailEvent } from './mail-event.ts';
import type { MailJob } from './mail-job.ts';
import type { SuppressionCheck } from './suppression/suppression-check.ts';
import { toSuppressionBlock } from './suppression/suppression-event.ts';

/** The recipients of a job that came onto the list before their first attempt, with what says so. */
export async function rejectSuppressed(input: {
  job: MailJob;
  message: MessageRecord;
  suppressed: SuppressionCheck;
  ids: Ids;
  clock: Clock;
}): Promise<{ job: MailJob; events: NewEvent[] } | null> {
  const { job, message, ids, clock } = input;
  const { projectId } = job;
  const addresses = job.recipients
    .filter(({ attempts }) => attempts === 0)
    .map(({ recipient }) => recipient);
  if (addresses.length === 0) return null;
  const found = await input.suppressed({ projectId, stream: message.stream, addresses });
  if (found.size === 0) return null;
  const events = [...found].map(([recipient, entry]) => {
    const suppression = toSuppressionBlock(entry);
    const [id, type] = [ids.next('event'), 'email.rejected' as const];
    const event = createMailEvent({ id, type, atMs: clock.now(), message, recipient, suppression });
    return { projectId, dedupKey: null, event };
  });
  const recipients = job.recipients.filter(({ recipient }) => found.has(recipient));
  return { job: { ...job, recipients }, events };
}
