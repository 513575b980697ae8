import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CanonicalEvent, verifyStandardWebhook, WebhookError } from '@posthorn/sdk';
import { createFaultPlan, type Fault } from './fault-plan.ts';

/** What the receiver has seen so far. */
export interface ReceiverTally {
  /** Events that arrived with a valid signature and were answered 200, by id. */
  verified: ReadonlyMap<string, CanonicalEvent>;
  /** Ids that came more than once. */
  retried: ReadonlySet<string>;
  /** Posts in all, and those whose signature did not hold. */
  posts: number;
  rejected: number;
}

export interface SampleReceiver {
  url: string;
  tally(): ReceiverTally;
  /** From now on posts are verified with this secret; before, all are refused. */
  useSecret(secret: string): void;
  stop(): Promise<void>;
}

/** Events stay under 20 kB; nobody else has business here. */
const MAX_BODY_BYTES = 1_048_576;

/**
 * An application that receives webhooks: it reads the raw body, verifies it, handles each id once
 * and answers. So that retries can be seen, it fails some first attempts on purpose (fault-plan.ts).
 */
export async function startSampleReceiver(options: {
  seed: number;
  /** Called for each event once, when it was verified and taken. */
  onEvent?: (event: CanonicalEvent) => void;
}): Promise<SampleReceiver> {
  const nextFault = createFaultPlan(options.seed);
  const verified = new Map<string, CanonicalEvent>();
  const seen = new Set<string>();
  const retried = new Set<string>();
  let posts = 0;
  let rejected = 0;
  let secret: string | null = null;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return answer(response, 405, 'Post webhooks here.');
    const body = await readBody(request);
    if (body === null) return answer(response, 413, 'Too large.');
    posts += 1;
    let id: string;
    let event: CanonicalEvent;
    try {
      if (secret === null) throw new WebhookError('invalid_secret', 'No secret is known yet.');
      ({ id, event } = verifyStandardWebhook({ secret, body, headers: request.headers }));
    } catch (error) {
      if (!(error instanceof WebhookError)) throw error;
      rejected += 1;
      return answer(response, error.code === 'invalid_payload' ? 400 : 401, error.message);
    }
    if (verified.has(id)) {
      retried.add(id);
      return answer(response, 200, 'Seen before.');
    }
    if (seen.has(id)) retried.add(id);
    else {
      seen.add(id);
      const fault = nextFault();
      if (fault !== null) return fail(response, fault);
    }
    verified.set(id, event);
    answer(response, 200, 'Thank you.');
    options.onEvent?.(event);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}/webhooks/email`,
    tally: () => ({ verified, retried, posts, rejected }),
    useSecret(value) {
      secret = value;
    },
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
}

function fail(response: ServerResponse, fault: Fault): void {
  if (fault === 'hang-up') response.destroy();
  else if (fault === 'error') answer(response, 500, 'Failed on purpose, so that you see a retry.');
  else {
    response.setHeader('retry-after', '1');
    answer(response, 503, 'Busy on purpose: come back in a second.');
  }
}

/** The bytes as they came, since the signature is over them; `null` when there are too many. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
