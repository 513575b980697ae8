import { WebhookError } from '../errors.ts';
import type { CanonicalEvent, EventType } from '../event.ts';
import type { Inbox } from '../inbox/inbox.ts';
import type { Provider } from '../providers/provider.ts';
import { checkProviderSecret, findProvider, PROVIDERS } from '../providers/registry.ts';
import { type Clock, systemClock } from './clock.ts';
import { createKeyFetcher } from './fetch-key.ts';
import type { Log } from './log.ts';

export type Family = EventType extends `${infer Name}.${string}` ? `${Name}.*` : never;

/** The most exact one counts: a type, then its family (`email.*`), then `*`. */
export type Handlers = Partial<Record<EventType | Family | '*', Handler>>;

/** Throw to have it tried again; throw a PermanentError where that cannot help. May run twice. */
export type Handler = (event: CanonicalEvent, context: HandlerContext) => unknown;

export interface HandlerContext {
  /** 1 for the first. */
  attempt: number;
  /** When this one fails, the event goes to the dead letters. */
  isLastAttempt: boolean;
  /** Of the event in the inbox: pass it on as an idempotency key. */
  key: string;
  receivedAtMs: number;
  /** Aborted when the time is over, the receiver stops, or another process has taken over. */
  signal: AbortSignal;
}

export type Secrets = string | readonly string[];

export interface ReceiverOptions {
  /** A name or alias (`sendgrid`, `standard` ...), or a provider of your own (createGenericProvider). */
  provider: string | Provider;
  /** Any of them counts. A function is asked at each request, so that secrets can change meanwhile. */
  secrets: Secrets | (() => Secrets | Promise<Secrets>);
  inbox: Inbox;
  handlers: Handlers;
  /** The inbox's queue, and the name in logs and metrics; the provider's by default. */
  name?: string;
  /** Becomes `data.source`, where several accounts of one provider post here. */
  source?: string;
  /** The URL as it was given to the provider, where that is signed (Mandrill). */
  url?: string;
  /** Take requests that nothing proves to be the provider's. */
  allowUnsigned?: boolean;
  /** How far a signed time may be off; 5 minutes, longer with providers that sign a retry no anew. */
  toleranceMs?: number;
  maxBodyBytes?: number;
  /** What a request that is not genuine gets; 403 or 406 make some providers stop trying. */
  refusedStatus?: 401 | 403 | 406;
  /** The inbox has so long to store; then the provider is told to come again. */
  storeTimeoutMs?: number;
  /** So long a duplicate is known as one. */
  dedupMs?: number;
  /** So long dead letters are kept. */
  deadMs?: number;
  /** Handlers that run at once in this process. */
  concurrency?: number;
  /** `per-message`: events of one message one at a time, as they came; one that fails holds the rest up. */
  order?: 'none' | 'per-message';
  /** Waits before each further attempt; after the last the event is dead. A fifth of chance is added. */
  retryDelaysMs?: readonly number[];
  handlerTimeoutMs?: number;
  /** After a crash the events under way are taken up again after so long. */
  leaseMs?: number;
  /** How often the inbox is asked for what others put there and what is to be tried again. */
  pollMs?: number;
  /** Says when nothing new came for so long. */
  silence?: { afterMs: number; onSilent?: (lastReceivedMs: number | null) => void };
  log?: Log;
  clock?: Clock;
  /** In [0, 1). */
  random?: () => number;
  fetchKey?: (url: string) => Promise<string>;
  fetch?: typeof fetch;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const DEFAULTS = {
  allowUnsigned: false,
  // Inbound mail comes with its attachments; a batch of 1,000 events has a few hundred kB.
  maxBodyBytes: 16 * 1_048_576,
  // MailerSend waits 3 s.
  storeTimeoutMs: 2_500,
  // Customer.io tries for 7 days.
  dedupMs: 14 * DAY_MS,
  deadMs: 90 * DAY_MS,
  concurrency: 10,
  order: 'none',
  // Within a day: what is still broken then needs a person.
  retryDelaysMs: [
    1_000,
    5_000,
    30_000,
    2 * MINUTE_MS,
    10 * MINUTE_MS,
    30 * MINUTE_MS,
    2 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
  ],
  handlerTimeoutMs: MINUTE_MS,
  leaseMs: MINUTE_MS,
  pollMs: 1_000,
} as const;

export type ReceiverSettings = Readonly<
  Required<Omit<ReceiverOptions, 'provider' | 'secrets' | 'source' | 'url' | OptionalSettings>>
> &
  Pick<ReceiverOptions, OptionalSettings> & {
    provider: Provider;
    source: string | null;
    url: string | undefined;
    /** Without empty ones. */
    secrets: () => Promise<readonly string[]>;
  };

type OptionalSettings = 'toleranceMs' | 'silence' | 'log' | 'refusedStatus';

/** Throws `missing_secret`, `invalid_secret`, and TypeError for what cannot be. */
export function readSettings(options: ReceiverOptions): ReceiverSettings {
  const provider = selectProvider(options.provider);
  const clock = options.clock ?? systemClock;
  const name = options.name ?? provider.name;
  const settings = {
    ...DEFAULTS,
    fetch,
    ...options,
    provider,
    name,
    clock,
    source: options.source ?? null,
    url: options.url,
    random: options.random ?? Math.random,
    fetchKey: options.fetchKey ?? createKeyFetcher({ now: clock.now }),
    secrets: () => readSecrets(options.secrets),
  };
  check(/^[\w.-]{1,100}$/.test(name), `name is of letters, digits and . _ -, not "${name}"`);
  for (const key of POSITIVE) check(settings[key] > 0, `${key} is more than 0`);
  check(
    settings.retryDelaysMs.every((delayMs) => delayMs >= 0),
    'retryDelaysMs are 0 or more',
  );
  checkSecrets(options, provider);
  return settings;
}

const POSITIVE = [
  'maxBodyBytes',
  'storeTimeoutMs',
  'dedupMs',
  'deadMs',
  'concurrency',
  'handlerTimeoutMs',
  'leaseMs',
  'pollMs',
] as const;

function check(isRight: boolean, rule: string): void {
  if (!isRight) throw new TypeError(`createReceiver: ${rule}.`);
}

function selectProvider(given: string | Provider): Provider {
  const found = typeof given === 'string' ? findProvider(given) : given;
  if (found !== undefined) return found;
  const names = PROVIDERS.map(({ name }) => name).join(', ');
  throw new TypeError(`createReceiver: there is no provider "${given}". Known: ${names}.`);
}

/** A receiver that lets anybody in must have been meant so. */
function checkSecrets(
  { secrets, allowUnsigned = false }: ReceiverOptions,
  provider: Provider,
): void {
  if (typeof secrets === 'function') return;
  const known = given(secrets);
  for (const secret of known) checkProviderSecret(provider, secret);
  if (allowUnsigned || known.length > 0) return;
  throw new WebhookError(
    'missing_secret',
    'createReceiver: there is no secret. Give what the provider signs with, or what you wrote into the URL or headers that it posts with; or set allowUnsigned.',
  );
}

async function readSecrets(secrets: ReceiverOptions['secrets']): Promise<readonly string[]> {
  return given(typeof secrets === 'function' ? await secrets() : secrets);
}

function given(secrets: Secrets): string[] {
  return (typeof secrets === 'string' ? [secrets] : secrets).filter((one) => one !== '');
}
