import { createGroupCommit } from '../../../lib/group-commit.ts';
import {
  type ClaimedDeliveries,
  type ClaimedTransmissions,
  type DeliveryClaim,
  StoreUnavailable,
  type TransmissionClaim,
} from '../../engine.ts';
import type { HealthWatch } from '../../health-watch.ts';
import type { Capabilities } from '../connect/capabilities.ts';
import { insist } from '../connect/insist.ts';
import type { Transaction, Transactions } from '../connect/transactions.ts';
import { refusalOf } from '../write/write-queue.ts';
import { runAgain } from '../write/writer.ts';
import { CLAIM_SETTINGS, claimDeliveries } from './claim-deliveries.ts';
import { claimTransmissions } from './claim-transmissions.ts';

const MAX_CLAIMS = 64;

type Task<Claim, Claimed> = {
  claim: Claim;
  resolve(claimed: Claimed): void;
  reject(e: Error): void;
};
type ClaimTask =
  | ({ kind: 'deliveries' } & Task<DeliveryClaim, ClaimedDeliveries>)
  | ({ kind: 'transmissions' } & Task<TransmissionClaim, ClaimedTransmissions>);

/** Claims of this node, in their order, one transaction for those that wait. */
export interface ClaimQueue {
  claimDeliveries(claim: DeliveryClaim): Promise<ClaimedDeliveries>;
  claimTransmissions(claim: TransmissionClaim): Promise<ClaimedTransmissions>;
  idle(): Promise<void>;
}

export function createClaimQueue(options: {
  transactions: Transactions;
  capabilities: Capabilities;
  watch: Pick<HealthWatch, 'health' | 'fail' | 'onChange'>;
  /** A claim comes behind what this node has given the store before: the results it knows of are in. */
  settled: () => Promise<void>;
}): ClaimQueue {
  const { transactions, capabilities, watch } = options;
  const queue = createGroupCommit<ClaimTask>({ flush, maxItems: MAX_CLAIMS });

  async function flush(tasks: ClaimTask[]): Promise<() => void> {
    const fail = (error: Error) => () => {
      for (const task of tasks) task.reject(error);
    };
    const health = watch.health();
    if (!health.ok) return fail(refusalOf(health));
    const deliveries = tasks.filter((task) => task.kind === 'deliveries');
    const transmissions = tasks.filter((task) => task.kind === 'transmissions');
    const work = async (tx: Transaction) => {
      const wanted = deliveries.map(({ claim }) => claim);
      const claimed = await claimDeliveries(tx, wanted, capabilities);
      const mail: ClaimedTransmissions[] = [];
      for (const { claim } of transmissions) {
        mail.push(await claimTransmissions(tx, claim, capabilities));
      }
      await tx.mark();
      return { claimed, mail };
    };
    try {
      const { claimed, mail } = await insist(() =>
        runAgain(transactions, work, { settings: CLAIM_SETTINGS }),
      );
      return () => {
        for (const [i, task] of deliveries.entries()) {
          task.resolve(claimed[i] ?? { deliveries: [], nextDueAtMs: null });
        }
        for (const [i, task] of transmissions.entries()) {
          task.resolve(mail[i] ?? { transmissions: [], nextDueAtMs: null });
        }
      };
    } catch (error) {
      if (error instanceof StoreUnavailable) watch.fail(error);
      return fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Those that wait for what came before them. */
  const early = new Set<ClaimTask>();
  watch.onChange((health) => {
    if (health.ok) return;
    for (const task of early) task.reject(refusalOf(health));
    early.clear();
  });

  async function add(task: ClaimTask): Promise<void> {
    const health = watch.health();
    if (!health.ok) return task.reject(refusalOf(health));
    early.add(task);
    await options.settled();
    if (early.delete(task)) queue.add(task);
  }

  return {
    claimDeliveries: (claim) =>
      new Promise((resolve, reject) => {
        void add({ kind: 'deliveries', claim, resolve, reject });
      }),
    claimTransmissions: (claim) =>
      new Promise((resolve, reject) => {
        void add({ kind: 'transmissions', claim, resolve, reject });
      }),
    idle: queue.idle,
  };
}
