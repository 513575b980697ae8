/** The code of a posting thread: renders, signs and posts. Started by threaded-poster.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { createSteadyClock } from '../../lib/steady-clock.ts';
import { type LiveEndpoint, toLiveEndpoint } from '../endpoints/live-endpoint.ts';
import { createConfiguredPostClient, type PostClientSettings } from '../post/configured-client.ts';
import type { RenderUnit } from '../render.ts';
import { createPoster } from './poster.ts';
import type { PosterReply, PosterRequest, PostRow, ResultRow } from './protocol.ts';

const port = parentPort;
if (port === null) throw new Error('poster/thread.ts runs as a worker thread only.');

/** The main thread's, as its posts tell it: what an attempt took is counted from its start there. */
const clock = createSteadyClock();
/** How long a post may take from there to here. */
const WAY_MS = 1_000;
const poster = createPoster(createConfiguredPostClient(workerData as PostClientSettings, clock));
const endpoints = new Map<number, LiveEndpoint>();
let results: ResultRow[] = [];

function reply(message: PosterReply): void {
  port?.postMessage(message);
}

function sendResults(): void {
  const ready = results;
  results = [];
  reply({ kind: 'results', results: ready });
}

async function post(row: PostRow): Promise<void> {
  const [number, key, startedAtMs] = row;
  const endpoint = endpoints.get(key);
  if (endpoint === undefined) throw new Error(`A post to the unknown endpoint ${key}.`);
  clock.correct({ fromMs: startedAtMs, toMs: startedAtMs + WAY_MS });
  const ended = await poster.post(endpoint, unitOf(row), startedAtMs);
  const { id, signature, result, dialectHeaders, allowedPerMinute } = ended;
  if (results.length === 0) setImmediate(sendResults);
  results.push([
    number,
    id,
    signature,
    result.status,
    result.errorCode,
    result.errorDetail,
    result.retryAfter,
    result.responseExcerpt,
    result.responseHeaders,
    result.timing,
    result.latencyMs,
    dialectHeaders,
    allowedPerMinute,
  ]);
}

function unitOf(row: PostRow): RenderUnit {
  if (row.length === 4) return row[3];
  const [, , , eventId, body] = row;
  return { deliveries: [{ eventId, body }], groups: null, isBatch: false };
}

port.on('message', (request: PosterRequest) => {
  switch (request.kind) {
    case 'endpoint': {
      const { record, secrets, defaults, redactKey } = request.endpoint;
      endpoints.set(request.key, toLiveEndpoint(record, secrets, { ...defaults, redactKey }));
      return;
    }
    case 'posts':
      for (const row of request.posts) void post(row);
      return;
    case 'forget': {
      const endpoint = endpoints.get(request.key);
      endpoints.delete(request.key);
      if (endpoint !== undefined) poster.forget(endpoint, request.closeConnections);
      return;
    }
    case 'close':
      void poster.close().then(() => {
        if (results.length > 0) sendResults();
        reply({ kind: 'closed' });
      });
  }
});
