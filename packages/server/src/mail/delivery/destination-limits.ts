/** What a destination may get, of all nodes together. */
export interface DestinationLimit {
  /** A recipient's domain, or the end of a mail server's name. */
  name: string;
  concurrency: number;
  ratePerSecond: number | null;
}

const PER_SECOND: Record<string, number> = { s: 1, m: 60, h: 3_600 };

/** `20/s`, `600/m`, `5000/h`: messages a second. Throws an Error that says what is wrong. */
export function parseMailRate(text: string): number {
  const [, count, unit = ''] = /^(\d{1,7})\/([smh])$/.exec(text) ?? [];
  const seconds = PER_SECOND[unit];
  if (seconds === undefined || Number(count) === 0) {
    throw new Error(`"${text}" is not a rate such as 20/s, 600/m or 5000/h`);
  }
  return Number(count) / seconds;
}

/** `example.com=5` or `outlook.com=20@600/m`. Throws an Error that says what is wrong. */
export function parseDestinationLimit(text: string): DestinationLimit {
  const [, name, concurrency, rate] =
    /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)=(\d{1,4})(?:@(\S+))?$/i.exec(text) ?? [];
  if (name === undefined || Number(concurrency) === 0) {
    throw new Error(`"${text}" is not a limit such as example.com=5 or outlook.com=20@600/m`);
  }
  const ratePerSecond = rate === undefined ? null : parseMailRate(rate);
  return { name: name.toLowerCase(), concurrency: Number(concurrency), ratePerSecond };
}

/** The first that one of the names is, or is below of. */
export function limitFor(
  limits: readonly DestinationLimit[],
  names: readonly string[],
): DestinationLimit | null {
  const found = limits.find((limit) =>
    names.some((name) => name === limit.name || name.endsWith(`.${limit.name}`)),
  );
  return found ?? null;
}
