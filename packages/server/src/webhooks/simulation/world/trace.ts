/** What happened, in the order in which it did. */
export interface Trace {
  (text: string): void;
  /** The latest lines, each with its time. */
  lines(): string[];
  /** A short name for an id, as `e12`. It is made up when the id is first seen. */
  nameOf(id: string): string;
  call(id: string, name: string): void;
}

/** Enough to see how something came about; a run has some thousand. */
const KEPT = 2_000;

export function createTrace(elapsedMs: () => number): Trace {
  let kept: string[] = [];
  const names = new Map<string, string>();
  const counts = new Map<string, number>();

  function nameOf(id: string): string {
    const known = names.get(id);
    if (known !== undefined) return known;
    const kind = id.slice(0, id.indexOf('_'));
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    const short = `${kind}${count}`;
    names.set(id, short);
    return short;
  }

  const trace = (text: string): void => {
    kept.push(`${(elapsedMs() / 1_000).toFixed(3).padStart(12)}  ${text}`);
    if (kept.length >= 2 * KEPT) kept = kept.slice(-KEPT);
  };
  return Object.assign(trace, {
    lines: () => kept,
    nameOf,
    call: (id: string, name: string) => void names.set(id, name),
  });
}
