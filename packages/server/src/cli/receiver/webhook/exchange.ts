import { Agent as HttpAgent, type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { messageOf } from '../../../lib/errors.ts';

export interface OutgoingRequest {
  url: URL;
  method: string;
  headers: Readonly<Record<string, string>>;
  body: string | Uint8Array | null;
}

/** What came back, or why nothing did. Never a redirect followed: a webhook's sender does not either. */
export type Reply =
  | { status: number; headers: IncomingHttpHeaders; text: string; durationMs: number }
  | { status: null; error: string; code: string; durationMs: number };

export interface Exchanger {
  send(request: OutgoingRequest, options?: SendOptions): Promise<Reply>;
  close(): void;
}

export interface SendOptions {
  /** The body goes out in pieces, with a pause before each. */
  pieces?: { count: number; pause: () => Promise<void> };
}

/** Enough to show what an application says of its refusal. */
const MAX_TEXT_BYTES = 2_048;

/** Sends single requests and reports what happened, whatever happens. */
export function createExchanger(options: {
  nowMs: () => number;
  timeoutMs: number;
  /** At most so many requests at a time; connections are used again. */
  connections: number;
  /** Whether a host may show any certificate; the others need one of a known authority. */
  trusts: (url: URL) => boolean;
}): Exchanger {
  const { nowMs, timeoutMs, connections: maxSockets } = options;
  const http = new HttpAgent({ keepAlive: true, maxSockets });
  const https = new HttpsAgent({ keepAlive: true, maxSockets });

  function send(request: OutgoingRequest, { pieces }: SendOptions = {}): Promise<Reply> {
    const startedMs = nowMs();
    const { url, method } = request;
    const body = request.body === null ? null : Buffer.from(request.body);
    const length = body === null ? {} : { 'content-length': String(body.length) };
    return new Promise((resolve) => {
      const isHttps = url.protocol === 'https:';
      const outgoing = (isHttps ? requestHttps : requestHttp)(url, {
        method,
        headers: { ...request.headers, ...length },
        agent: isHttps ? https : http,
        ...(isHttps ? { rejectUnauthorized: !options.trusts(url) } : {}),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const fail = (error: NodeJS.ErrnoException): void => {
        const durationMs = nowMs() - startedMs;
        if (error.name === 'TimeoutError' || error.name === 'AbortError') {
          const text = `no answer within ${timeoutMs / 1_000} s`;
          resolve({ status: null, error: text, code: 'timeout', durationMs });
          return;
        }
        // Of a host with several addresses Node throws an error with an empty message.
        const code = error.code ?? 'unknown';
        resolve({ status: null, error: messageOf(error) || code, code, durationMs });
      };
      outgoing.on('error', fail);
      outgoing.on('response', (incoming) => {
        const durationMs = nowMs() - startedMs;
        const chunks: Buffer[] = [];
        let size = 0;
        const finish = (): void => {
          const text = Buffer.concat(chunks).toString('utf8').slice(0, MAX_TEXT_BYTES);
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text,
            durationMs,
          });
        };
        incoming.on('data', (chunk: Buffer) => {
          if (size < MAX_TEXT_BYTES) chunks.push(chunk);
          size += chunk.length;
        });
        // An answer that breaks off has a status all the same.
        incoming.on('end', finish);
        incoming.on('error', finish);
      });
      void writeBody(body ?? new Uint8Array(), pieces, outgoing);
    });
  }

  return {
    send,
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

async function writeBody(
  body: Uint8Array,
  pieces: SendOptions['pieces'],
  outgoing: {
    write(chunk: Uint8Array): unknown;
    end(chunk?: Uint8Array): unknown;
    destroyed: boolean;
  },
): Promise<void> {
  if (pieces === undefined) {
    outgoing.end(body);
    return;
  }
  const step = Math.ceil(body.length / pieces.count);
  for (let at = 0; at < body.length && !outgoing.destroyed; at += step) {
    await pieces.pause();
    outgoing.write(body.subarray(at, at + step));
  }
  outgoing.end();
}
