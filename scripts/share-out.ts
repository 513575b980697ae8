/** Which test files run in a process of their own, and which share one. */

/**
 * Rooms whose tests call functions and in-process servers, and leave nothing behind in the process. Not
 * cli/receiver, which measures how long a receiver takes.
 */
const SHARING =
  /^packages\/(bounce\/|sdk\/src\/(providers|standard-webhooks)\/|server\/src\/(cli\/(?!receiver\/|whole\/)|(alerts|core|http|lib|mail|nodes|sinks|smtp|sources|webhooks)\/))/;
/** What belongs to the whole process or machine: its state, other programs, other threads' servers. */
const NEEDS_ITS_OWN =
  /\b(process|performance|mock)\.|node:(child_process|worker_threads|diagnostics_channel)|globalThis|\bwithout[A-Z]|\brunSwaks\b|posthorn-process/;
/** Enough to save nearly all of what a process costs, few enough that it ends soon. */
const MOST_TOGETHER = 12;

/**
 * Groups of files for one process each, those that run alone first: they are the long ones.
 *
 * @param files paths relative to the root, sorted
 * @param read gives the text of a file
 */
export function shareOut(files: readonly string[], read: (file: string) => string): string[][] {
  const alone: string[][] = [];
  const shared: string[][] = [];
  for (const file of files) {
    const group = shared.at(-1);
    if (!SHARING.test(file) || NEEDS_ITS_OWN.test(read(file))) alone.push([file]);
    else if (group !== undefined && group.length < MOST_TOGETHER) group.push(file);
    else shared.push([file]);
  }
  return [...alone, ...shared];
}
