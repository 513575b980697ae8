import {
  type Check,
  type CheckContext,
  describe,
  type Finding,
  fail,
  isTaken,
  pass,
  sendEvent,
  skip,
} from './check.ts';
import { EVENT_CHECKS } from './event-checks.ts';
import { NETWORK_CHECKS } from './network-checks.ts';
import { REQUEST_CHECKS } from './request-checks.ts';
import { SIGNATURE_CHECKS } from './signature-checks.ts';
import { TLS_CHECK } from './tls-check.ts';

export interface CheckResult extends Finding {
  check: string;
  title: string;
  durationMs: number;
}

/** What does not depend on whether events are taken. */
const FIRST: readonly Check[] = [
  TLS_CHECK,
  {
    name: 'no_redirect',
    title: 'Answers itself, without a redirect',
    needs: 'connection',
    async run(context) {
      const reply = await sendEvent(context, context.newEvent());
      if (reply.status === null || reply.status < 300 || reply.status > 399) {
        return pass('No redirect.');
      }
      return fail(
        `It leads on to ${reply.headers['location'] ?? 'nowhere'} (${reply.status}).`,
        'Give senders the URL at the end of the redirect: they do not follow, since a body and its signature are for whom they were made.',
      );
    },
  },
  {
    name: 'valid_event',
    title: 'Takes a valid event',
    needs: 'connection',
    async run(context) {
      const reply = await sendEvent(context, context.newEvent());
      if (isTaken(reply)) return pass(`${describe(reply)}.`);
      const said =
        reply.status === null || reply.text === '' ? '' : ` It said: ${excerpt(reply.text)}`;
      return fail(
        `A valid event was answered with ${describe(reply)}.${said}`,
        'Answer 2xx. Is the secret the one that the receiver has, and the dialect (--dialect) the right one?',
      );
    },
  },
];

export const CHECKS: readonly Check[] = [
  ...FIRST,
  ...SIGNATURE_CHECKS,
  ...EVENT_CHECKS,
  ...REQUEST_CHECKS,
  ...NETWORK_CHECKS,
];

/** Runs all, one after the other, so that what one does to the receiver is not seen by another. */
export async function* runChecks(context: CheckContext): AsyncGenerator<CheckResult> {
  const reachable = await sendEvent(context, context.newEvent());
  const silence = reachable.status === null ? describe(reachable) : null;
  let isGone = false;
  let obstacle: string | null = null;
  for (const check of CHECKS) {
    const startedMs = context.nowMs();
    const finding = isGone
      ? skip('The receiver does not answer any more.')
      : await decide(check, context, { silence, obstacle });
    if (
      finding.result === 'fail' &&
      (check.name === 'no_redirect' || check.name === 'valid_event')
    ) {
      obstacle = check.title.toLowerCase();
    }
    if (finding.result === 'fail' && silence === null) isGone = await hasGone(context);
    const durationMs = Math.round(context.nowMs() - startedMs);
    yield { check: check.name, title: check.title, ...finding, durationMs };
  }
}

function decide(
  check: Check,
  context: CheckContext,
  { silence, obstacle }: { silence: string | null; obstacle: string | null },
): Promise<Finding> | Finding {
  if (check.needs === 'nothing') return check.run(context);
  if (silence !== null) {
    if (check.name !== 'valid_event') return skip('The receiver cannot be reached.');
    return fail(
      `A valid event got ${silence}.`,
      'Is the URL right, and does the receiver run and answer in time?',
    );
  }
  if (obstacle !== null && (check.needs === 'acceptance' || check.name === 'valid_event')) {
    return skip(`Cannot be told before this is right: ${obstacle}.`);
  }
  return check.run(context);
}

/** A process that a check has ended would fail all the others too. */
async function hasGone(context: CheckContext): Promise<boolean> {
  const reply = await sendEvent(context, context.newEvent());
  return reply.status === null && reply.code === 'ECONNREFUSED';
}

const excerpt = (text: string): string => JSON.stringify(text.slice(0, 200));
