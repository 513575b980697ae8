import type { CanonicalEvent } from '@posthorn/sdk';
import { type ApiClient, ApiError } from './api-client.ts';

/** Waits before the connection is tried again; the last one holds from then on, ms. */
const RECONNECT_MS = [500, 1_000, 2_000, 5_000, 10_000] as const;

export interface StreamOptions {
  client: ApiClient;
  /** `start`, `now`, or a place that the log gave. */
  after: string;
  /** Of the API: `type=...` and so on. */
  filter: Readonly<Record<string, string>>;
  signal: AbortSignal;
  sleep(ms: number): Promise<void>;
  /** The connection is gone and will be tried again. */
  onLost(reason: string, waitMs: number): void;
  onOpen(): void;
}

/**
 * The events of a server from a place on, each once and in the order of its log, whatever becomes of the
 * connection. Ends when `signal` is aborted. Throws ApiError when the server refuses.
 */
export async function* followEvents(options: StreamOptions): AsyncGenerator<CanonicalEvent> {
  const { client, signal } = options;
  let place = await findPlace(client, options.after);
  for (let failures = 0; !signal.aborted; ) {
    let reason = 'the server ended it';
    try {
      const query = new URLSearchParams({ ...options.filter, after: place });
      const response = await client.open(`/v1/events/stream?${query}`, { signal });
      options.onOpen();
      for await (const frame of readFrames(response)) {
        failures = 0;
        yield JSON.parse(frame.data) as CanonicalEvent;
        place = frame.id;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && isFinal(error)) throw error;
      reason = error instanceof Error ? error.message : String(error);
    }
    if (signal.aborted) return;
    const waitMs = RECONNECT_MS[Math.min(failures, RECONNECT_MS.length - 1)] ?? 0;
    failures++;
    options.onLost(reason, waitMs);
    await options.sleep(waitMs);
  }
}

/** `now` as a place: what comes while the first connection breaks is not missed then. */
async function findPlace(client: ApiClient, after: string): Promise<string> {
  if (after !== 'now') return after;
  return (await client.get<{ next_cursor: string }>('/v1/events?after=now&limit=1')).next_cursor;
}

/** What trying again does not mend. */
function isFinal({ status }: ApiError): boolean {
  return status !== null && status >= 400 && status < 500 && status !== 429 && status !== 408;
}

interface Frame {
  id: string;
  data: string;
}

/** Server-sent events (html.spec.whatwg.org, 9.2.6) that have data; comments are passed over. */
async function* readFrames(response: Response): AsyncGenerator<Frame> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const lines = block.split('\n');
      const fieldOf = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const [id, data] = [fieldOf('id'), fieldOf('data')];
      if (id !== undefined && data !== undefined) yield { id, data };
    }
  }
}
