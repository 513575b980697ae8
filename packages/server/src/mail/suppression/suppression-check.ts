import type { Stream } from '../../core/mail/streams.ts';
import { createGroupCommit } from '../../lib/group-commit.ts';
import type { SuppressionRecord, Suppressions } from '../../store/mail/suppressions.ts';

/** Says which recipients of a message are on the list: by address, as it was given, why. */
export type SuppressionCheck = (question: {
  projectId: string;
  stream: Stream;
  addresses: readonly string[];
}) => Promise<ReadonlyMap<string, SuppressionRecord>>;

interface Question {
  projectId: string;
  stream: Stream;
  addresses: readonly string[];
  resolve: (found: ReadonlyMap<string, SuppressionRecord>) => void;
  reject: (error: unknown) => void;
}

/** Addresses in one query; SQLite takes 32,766 parameters. */
const MAX_QUESTIONS = 30;

/**
 * Asks the store, and for all messages that come in at the same time at once: alone, the way to the
 * database and back would cost a message more than everything else before its commit.
 */
export function createSuppressionCheck(deps: {
  suppressions: Pick<Suppressions, 'find'>;
  now: () => number;
}): SuppressionCheck {
  async function answer(questions: readonly Question[]): Promise<void> {
    const [first] = questions;
    if (first === undefined) return;
    const { projectId, stream } = first;
    const addresses = [...new Set(questions.flatMap((one) => one.addresses))];
    try {
      const query = { projectId, stream, addresses, nowMs: deps.now() };
      const found = await deps.suppressions.find(query);
      for (const one of questions) {
        const theirs = one.addresses.flatMap((address) => {
          const entry = found.get(address);
          return entry === undefined ? [] : [[address, entry] as const];
        });
        one.resolve(new Map(theirs));
      }
    } catch (error) {
      for (const one of questions) one.reject(error);
    }
  }

  const together = createGroupCommit<Question>({
    maxItems: MAX_QUESTIONS,
    async flush(questions) {
      const groups = Map.groupBy(questions, ({ projectId, stream }) => `${projectId}/${stream}`);
      await Promise.all([...groups.values()].map(answer));
      return () => {};
    },
  });

  return (question) =>
    new Promise((resolve, reject) => together.add({ ...question, resolve, reject }));
}
