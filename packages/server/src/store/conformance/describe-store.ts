import { describe } from 'node:test';
import { describeAlerts } from './alert-cases.ts';
import { describeAnswers } from './answer-cases.ts';
import { describeClaims } from './claim-cases.ts';
import { describeErasure } from './erasure-cases.ts';
import { describeIsolation } from './isolation-cases.ts';
import { describeJobs } from './job-cases.ts';
import { describeAppend } from './log/append-cases.ts';
import { describeEventVolume } from './log/event-volume-cases.ts';
import { describeFeed } from './log/feed-cases.ts';
import { describeLists } from './log/list-cases.ts';
import { describePosition } from './log/position-cases.ts';
import { describeStats } from './log/stats-cases.ts';
import { describeText } from './log/text-cases.ts';
import { describeDomains } from './mail/domain-cases.ts';
import { describeExpectations } from './mail/expectation-cases.ts';
import { describeHeld } from './mail/held-cases.ts';
import { describeInbound } from './mail/inbound-cases.ts';
import { describeMail } from './mail/mail-cases.ts';
import { describeMessageSearch } from './mail/message-search-cases.ts';
import { describeSendWindows } from './mail/send-window-cases.ts';
import { describeSourceCounts } from './mail/source-count-cases.ts';
import { describeSuppressions } from './mail/suppression-cases.ts';
import { describeTranscripts } from './mail/transcript-cases.ts';
import { describeNodes } from './node-cases.ts';
import { describeProjects } from './project-cases.ts';
import { describePurge } from './purge-cases.ts';
import type { OpenEngine } from './sandbox.ts';
import { describeSealedValues } from './sealed-value-cases.ts';
import { describeSinks } from './sink-cases.ts';
import { describeSources } from './source-cases.ts';
import { describeUsers } from './user-cases.ts';
import { describeAttempts } from './webhooks/attempt-cases.ts';
import { describeDeadLetters } from './webhooks/dead-letter-cases.ts';
import { describeDeliveryLists } from './webhooks/delivery-list-cases.ts';
import { describeEndpoints } from './webhooks/endpoint-cases.ts';
import { describeInterruptions } from './webhooks/lines/interruption-cases.ts';
import { describeOrder } from './webhooks/lines/order-cases.ts';
import { describeLineProperty } from './webhooks/lines/property-cases.ts';
import { describeQueue } from './webhooks/queue-cases.ts';

/**
 * What every engine has to do, as cases on a real database. `open` is called often and gives an
 * engine on an empty one each time.
 */
export function describeStore(name: string, open: OpenEngine): void {
  describe(`${name} as a store`, () => {
    describeWork(open);
    describeLineProperty(open);
    describeProjects(open);
    describeAnswers(open);
    describeEndpoints(open);
    describeSealedValues(open);
    describeLists(open);
    describeDeliveryLists(open);
    describeJobs(open);
    describeQueue(open);
    describeNodes(open);
    describeErasure(open);
    describeSuppressions(open);
    describeDomains(open);
    describeSendWindows(open);
    describeHeld(open);
    describeExpectations(open);
    describeInbound(open);
    describeIsolation(open);
    describeSinks(open);
    describeStats(open);
    describeAlerts(open);
    describeSources(open);
    describeDeadLetters(open);
    describeEventVolume(open);
    describeMessageSearch(open);
    describeText(open);
    describeTranscripts(open);
    describeSourceCounts(open);
    describeUsers(open);
  });
}

/**
 * The part of it about everything that writes and claims: for other ways to a database for which the
 * whole suite has been run.
 */
export function describeWork(open: OpenEngine): void {
  describeAppend(open);
  describePosition(open);
  describeAttempts(open);
  describeClaims(open);
  describeOrder(open);
  describeInterruptions(open);
  describeMail(open);
  describeFeed(open);
  describePurge(open);
}
