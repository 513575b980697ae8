const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `5s`, `1.5h`, `2d`, `250ms` or a plain number of seconds -> milliseconds; `null` if it is none. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(text.trim());
  if (match === null) return null;
  const unitMs = UNIT_MS[match[2] ?? 's'];
  return unitMs === undefined ? null : Math.round(Number(match[1]) * unitMs);
}

/** The shortest exact way to write it: 90_000 -> `90s`, 7_200_000 -> `2h`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = UNIT_MS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
