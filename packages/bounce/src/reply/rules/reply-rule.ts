import type { Verdict } from '../verdict.ts';

/** One line of the tables beside this file. */
export interface ReplyRule {
  /** Stable name, shown as `text:<id>` or `vendor:<id>` to whoever asks which rule decided. */
  id: string;
  /**
   * Tried on the reply's words without addresses and URLs (`readableWords`), or with `raw` on the
   * reply as it came. No nested or unbounded adjacent repetition: time is linear in a bounded text.
   */
  pattern: RegExp;
  verdict: Verdict;
  /**
   * True: the words outweigh a definite enhanced code. Suppressing a good address is the costly
   * error, so this is for causes that are not the recipient's, and for a vendor's own documented words.
   */
  strong?: true;
  /** A token of one vendor, or a name: tried on the reply as it came. */
  raw?: true;
  /** True: the words say nothing but no. A basic code with a meaning of its own says more. */
  weak?: true;
  /** Where the wording comes from: an RFC, a vendor's page, or the servers that say it. */
  source: string;
}
