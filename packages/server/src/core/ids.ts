/**
 * Prefixed, time-ordered ids: `evt_01JD...` is a ULID (48 bits of milliseconds, 80 bits of chance,
 * Crockford base 32). Within one millisecond the random part counts up, so ids of one process sort
 * in the order in which they were made. No dots: Standard Webhooks forbids them in `webhook-id`.
 */
export const ID_PREFIXES = {
  project: 'prj',
  apiKey: 'key',
  message: 'msg',
  event: 'evt',
  endpoint: 'ep',
  signingKey: 'sgk',
  delivery: 'dlv',
  attempt: 'att',
  transcript: 'trn',
  job: 'job',
  source: 'src',
  sink: 'snk',
  alertRule: 'alr',
  alert: 'alt',
  alertNotice: 'aln',
  payload: 'pay',
  suppression: 'sup',
  domain: 'dom',
  inboundRoute: 'rte',
  received: 'rcv',
  user: 'usr',
  invitation: 'inv',
  portalLink: 'lnk',
  auditEntry: 'aud',
  request: 'req',
  node: 'node',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

export interface Ids {
  next(kind: IdKind): string;
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const TIME_CHARS = 10;
const RANDOM_CHARS = 16;
const STEADY_CHARS = 13;
/** Random bytes are fetched for many milliseconds at once: the call costs more than the bytes. */
const POOL_BYTES = RANDOM_CHARS * 128;

/** `randomBytes` must be cryptographic: ids of other projects must not be guessable. */
export function createIds(options: {
  now: () => number;
  randomBytes: (size: number) => Uint8Array;
}): Ids {
  let lastMs = -1;
  let timePart = '';
  /** The time and the random characters that counting up hardly ever reaches. */
  let steady = '';
  let pool = new Uint8Array(0);
  let poolAt = 0;
  const digits = new Uint8Array(RANDOM_CHARS);

  function startMillisecond(ms: number): void {
    lastMs = ms;
    timePart = encodeTime(ms);
    if (poolAt + RANDOM_CHARS > pool.length) {
      pool = new Uint8Array(options.randomBytes(POOL_BYTES));
      poolAt = 0;
    }
    for (let i = 0; i < RANDOM_CHARS; i++) digits[i] = (pool[poolAt + i] ?? 0) & 31;
    poolAt += RANDOM_CHARS;
    writeSteady();
  }

  function countUp(): void {
    for (let i = RANDOM_CHARS - 1; i >= 0; i--) {
      const digit = digits[i] ?? 0;
      if (digit < 31) {
        digits[i] = digit + 1;
        if (i < STEADY_CHARS) writeSteady();
        return;
      }
      digits[i] = 0;
    }
    // 2^80 ids in a millisecond are not to be had, but a start near the top can wrap: move on in time.
    startMillisecond(lastMs + 1);
  }

  function writeSteady(): void {
    steady = timePart;
    for (let i = 0; i < STEADY_CHARS; i++) steady += ALPHABET[digits[i] ?? 0];
  }

  return {
    next(kind) {
      const ms = options.now();
      // A clock that steps back must not break the order: stay in the last millisecond.
      if (ms > lastMs) startMillisecond(ms);
      else countUp();
      let text = `${ID_PREFIXES[kind]}_${steady}`;
      for (let i = STEADY_CHARS; i < RANDOM_CHARS; i++) text += ALPHABET[digits[i] ?? 0];
      return text;
    },
  };
}

function encodeTime(ms: number): string {
  let rest = ms;
  let text = '';
  for (let i = 0; i < TIME_CHARS; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** The lowest id of this kind that could be made at this time: a bound for a range of ids. */
export function lowestIdAt(kind: IdKind, atMs: number): string {
  return `${ID_PREFIXES[kind]}_${encodeTime(atMs)}${'0'.repeat(RANDOM_CHARS)}`;
}

/** When an id was made, ms. */
export function timeOfId(id: string): number {
  const start = id.indexOf('_') + 1;
  let ms = 0;
  for (const char of id.slice(start, start + TIME_CHARS)) ms = ms * 32 + ALPHABET.indexOf(char);
  return ms;
}

export function isId(kind: IdKind, text: string): boolean {
  const prefix = `${ID_PREFIXES[kind]}_`;
  return text.startsWith(prefix) && ULID.test(text.slice(prefix.length));
}

/**
 * A delivery is one event owed to one endpoint, so its id is made of theirs and needs no column:
 * `dlv_<event's ULID>_<endpoint's ULID>`.
 */
export function deliveryId(eventId: string, endpointId: string): string {
  return `${ID_PREFIXES.delivery}_${ulidOf(eventId)}_${ulidOf(endpointId)}`;
}

export function parseDeliveryId(text: string): { eventId: string; endpointId: string } | null {
  const [prefix, event, endpoint, ...rest] = text.split('_');
  if (prefix !== ID_PREFIXES.delivery || event === undefined || endpoint === undefined) return null;
  if (rest.length > 0 || !ULID.test(event) || !ULID.test(endpoint)) return null;
  return {
    eventId: `${ID_PREFIXES.event}_${event}`,
    endpointId: `${ID_PREFIXES.endpoint}_${endpoint}`,
  };
}

function ulidOf(id: string): string {
  return id.slice(id.indexOf('_') + 1);
}
