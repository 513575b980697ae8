/**
 * A look-up whose answers are kept: one for all who ask at the same time, the oldest goes when there are
 * too many. `keepMs` says for how long an answer holds. What rejects is not kept.
 */
export function remember<T>(
  lookUp: (key: string) => Promise<T>,
  options: { now: () => number; keepMs: (value: T) => number; max: number },
): (key: string) => Promise<T> {
  const kept = new Map<string, { answer: Promise<T>; untilMs: number }>();
  return (key) => {
    const known = kept.get(key);
    if (known !== undefined && known.untilMs > options.now()) return known.answer;
    kept.delete(key);
    const oldest = kept.size >= options.max ? kept.keys().next().value : undefined;
    if (oldest !== undefined) kept.delete(oldest);
    const entry = { answer: lookUp(key), untilMs: Number.POSITIVE_INFINITY };
    kept.set(key, entry);
    entry.answer.then(
      (value) => {
        entry.untilMs = options.now() + options.keepMs(value);
      },
      () => {
        if (kept.get(key) === entry) kept.delete(key);
      },
    );
    return entry.answer;
  };
}
