import { messageOf } from '../../lib/errors.ts';
import { createTranscript, type Transcript } from '../../smtp/client/transcript.ts';
import { type RecipientResult, TRANSMIT_ERRORS } from '../../smtp/transmission.ts';
import type { TransmitJob, Transmitter } from '../../smtp/transmit.ts';
import type { ApiMail, ApiRelay, ApiVerdict } from './api-relay.ts';

export interface ApiTransmitterOptions {
  now: () => number;
  timeoutMs: number;
}

const MAX_RESPONSE_CHARS = 1_000;
/** Answers have some hundred bytes. */
const MAX_ANSWER_BYTES = 65_536;

/** Hands messages to the API of a provider, which delivers them; `url` is the account. */
export function createApiTransmitter(
  relay: ApiRelay,
  url: URL,
  { now, timeoutMs }: ApiTransmitterOptions,
): Transmitter {
  const toRequest = relay.open(url);
  const stopped = new AbortController();
  const busy = new Set<Promise<unknown>>();

  async function transmit(job: TransmitJob) {
    const startedMs = now();
    const transcript = createTranscript(now);
    const results: RecipientResult[] = [];
    for (let i = 0; i < job.recipients.length; i += relay.maxRecipients) {
      const recipients = job.recipients.slice(i, i + relay.maxRecipients);
      const told = await post({ ...job, recipients }, job.signal, transcript);
      for (const recipient of recipients) {
        results.push({ ...told, recipient, latencyMs: now() - startedMs });
      }
    }
    return { results, site: null, transcript: transcript.lines() };
  }

  async function post(mail: ApiMail, signal: AbortSignal, transcript: Transcript): Promise<Told> {
    const bounds = AbortSignal.any([signal, stopped.signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const request = await toRequest(mail, now());
      const { host } = new URL(request.url);
      transcript.client(`POST ${request.url} for ${mail.recipients.join(', ')}`);
      const response = await fetch(request.url, {
        method: 'POST',
        headers: request.headers,
        body: request.body,
        redirect: 'manual',
        signal: bounds,
      });
      const json = parseObject(await readBounded(response));
      const { status, headers } = response;
      const words = (json === null ? null : relay.explain(json)) ?? response.statusText;
      const said = `${status} ${words}`.trim().slice(0, MAX_RESPONSE_CHARS);
      transcript.server(said);
      const tls = request.url.startsWith('https:');
      return { ...toldOf(relay.read({ status, headers, json })), response: said, mx: host, tls };
    } catch (error) {
      const isStop = signal.aborted || stopped.signal.aborted;
      const told = isStop ? { ...UNREACHED, errorCode: 'aborted' as const } : brokenOff(error);
      const words = `${TRANSMIT_ERRORS[told.errorCode]}: ${causeOf(error)}`;
      transcript.note(words);
      return { ...told, response: words.slice(0, MAX_RESPONSE_CHARS) };
    }
  }

  return {
    transmit(job) {
      const work = transmit(job);
      busy.add(work);
      return work.finally(() => busy.delete(work));
    },
    async close() {
      stopped.abort();
      await Promise.allSettled(busy);
    },
  };
}

type Told = Omit<RecipientResult, 'recipient' | 'latencyMs'>;

const UNREACHED = {
  outcome: 'deferred',
  stage: 'connect',
  smtpCode: null,
  enhancedCode: null,
  mx: null,
  remoteIp: null,
  tls: null,
  reachedServer: false,
} as const;

function toldOf(verdict: ApiVerdict) {
  const base = { ...UNREACHED, reachedServer: true };
  if (verdict.outcome === 'delivered') {
    const { providerId } = verdict;
    return { ...base, outcome: 'delivered', stage: 'reply', errorCode: null, providerId } as const;
  }
  const { outcome, errorCode } = verdict;
  // Who is not let in, or finds it broken, may go elsewhere; what was said of the message stands.
  const stage =
    errorCode === 'auth_failed' ? 'auth' : errorCode === 'api_failed' ? 'connect' : 'data';
  return { ...base, outcome, stage, errorCode } as const;
}

/** Nothing of the request can have arrived. */
const NOT_CONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Behind a connection nobody knows what the provider has made of the request. */
function brokenOff(error: unknown) {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : null;
  const code = cause !== null && 'code' in cause ? cause.code : null;
  if (NOT_CONNECTED.has(code)) return { ...UNREACHED, errorCode: 'connection_failed' as const };
  const errorCode = 'connection_lost_after_data' as const;
  return { ...UNREACHED, stage: 'reply' as const, reachedServer: true, errorCode };
}

/** fetch says "fetch failed", and why in its cause. */
function causeOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause instanceof Error ? error.cause : error);
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

async function readBounded(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    pieces.push(piece);
    size += piece.length;
    if (size > MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(pieces).toString('utf8');
}
