/** Counts what a process reported in which several test files ran, each as a suite; no I/O. */
import { createTestTally, type FileResult, type TestRunEvent } from './test-tally.ts';

export interface SharedEnd {
  /** Of the files that came to their end, in their order. */
  readonly results: FileResult[];
  /** Files about which nothing is known: their process ended before, or in a way that one of them caused. */
  readonly unknown: string[];
}

interface EventData {
  readonly name?: string;
  readonly nesting?: number;
  readonly file?: string;
  readonly details?: {
    readonly duration_ms?: number;
    readonly error?: { readonly failureType?: string };
  };
}

/** Collects the events of the process; `finish` gives the results. `files`: absolute paths. */
export function createSharedTally(files: readonly string[]) {
  const tallies = new Map(files.map((file) => [file, createTestTally(file)]));
  const durations = new Map<string, number>();
  let current: string | undefined;
  let endedWell = false;
  let failedItself = false;

  function add(event: TestRunEvent): void {
    const data = (event.data ?? {}) as EventData;
    const isResult = event.type === 'test:pass' || event.type === 'test:fail';
    if (event.type === 'test:stdout' || event.type === 'test:stderr') {
      // It comes in another order than the results, so whose it is cannot be told.
      for (const tally of tallies.values()) tally.add(event);
    } else if (event.type === 'test:summary') {
      if (data.file !== undefined) endedWell = true;
    } else if (data.nesting === 0 && data.name !== undefined && tallies.has(data.name)) {
      current = data.name;
      if (isResult) end(current, event, data);
    } else if (data.nesting === 0) {
      const isOfItsTests = data.details?.error?.failureType === 'subtestsFailed';
      if (event.type === 'test:fail' && !isOfItsTests) failedItself = true;
    } else if (current !== undefined) {
      const nesting = data.nesting === undefined ? {} : { nesting: data.nesting - 1 };
      tallies.get(current)?.add({ type: event.type, data: { ...data, ...nesting } });
    }
  }

  function end(file: string, event: TestRunEvent, data: EventData): void {
    durations.set(file, Math.round(data.details?.duration_ms ?? 0));
    tallies.get(file)?.add(event);
    tallies.get(file)?.add({ type: 'test:summary', data: { file } });
  }

  function finish(): SharedEnd {
    // It ended badly when all files were through: which one is to blame shows when each runs alone.
    const isOneToBlame = durations.size === files.length && (failedItself || !endedWell);
    const results: FileResult[] = [];
    const unknown: string[] = [];
    for (const [file, tally] of tallies) {
      const durationMs = durations.get(file);
      if (durationMs === undefined || isOneToBlame) unknown.push(file);
      else results.push(tally.finish({ durationMs }));
    }
    return { results, unknown };
  }

  return { add, finish };
}
