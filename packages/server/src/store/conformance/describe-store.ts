import { describe } from 'node:test';
import { describeAnswers } from './answer-cases.ts';
import { describeAppend } from './append-cases.ts';
import { describeAttempts } from './attempt-cases.ts';
import { describeClaims } from './claim-cases.ts';
import { describeDeadLetters } from './dead-letter-cases.ts';
import { describeDeliveryLists } from './delivery-list-cases.ts';
import { describeDomains } from './domain-cases.ts';
import { describeEndpoints } from './endpoint-cases.ts';
import { describeErasure } from './erasure-cases.ts';
import { describeExpectations } from './expectation-cases.ts';
import { describeFeed } from './feed-cases.ts';
import { describeHeld } from './held-cases.ts';
import { describeInbound } from './inbound-cases.ts';
import { describeIsolation } from './isolation-cases.ts';
import { describeJobs } from './job-cases.ts';
import { describeInterruptions } from './lines/interruption-cases.ts';
import { describeOrder } from './lines/order-cases.ts';
import { describeLineProperty } from './lines/property-cases.ts';
import { describeLists } from './list-cases.ts';
import { describeMail } from './mail-cases.ts';
import { describeMessageSearch } from './message-search-cases.ts';
import { describeNodes } from './node-cases.ts';
import { describePosition } from './position-cases.ts';
import { describeProjects } from './project-cases.ts';
import { describePurge } from './purge-cases.ts';
import { describeQueue } from './queue-cases.ts';
import type { OpenEngine } from './sandbox.ts';
import { describeSealedValues } from './sealed-value-cases.ts';
import { describeSendWindows } from './send-window-cases.ts';
import { describeSinks } from './sink-cases.ts';
import { describeSources } from './source-cases.ts';
import { describeSuppressions } from './suppression-cases.ts';
import { describeText } from './text-cases.ts';
import { describeTranscripts } from './transcript-cases.ts';
import { describeUsers } from './user-cases.ts';

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
    describeSources(open);
    describeDeadLetters(open);
    describeMessageSearch(open);
    describeText(open);
    describeTranscripts(open);
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
