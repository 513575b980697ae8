import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import { Agent, request } from 'undici';
import type { AddressGuard } from '../../lib/network/address-guard.ts';
import { type SinkHttp, type SinkHttpAnswer, SinkTrouble } from '../contract.ts';

/**
 * Looks names up, and drops addresses that must not be dialled. Where none is left, the error has the
 * `errorCode` address_not_allowed.
 */
export type GuardedLookup = (
  hostname: string,
  options: LookupOptions,
  callback: (
    error: NodeJS.ErrnoException | null,
    address: string | LookupAddress[],
    family?: number,
  ) => void,
) => void;

/** As much of an answer as anybody reads. */
const MAX_TEXT = 65_536;
const CONNECT_MS = 10_000;

/** One client for all sinks: connections are kept, redirects are not followed. */
export function createSinkHttp(options: {
  guard: Pick<AddressGuard, 'refuse'>;
  lookup: GuardedLookup;
}): SinkHttp & { close(): Promise<void> } {
  const agent = new Agent({
    connections: 8,
    connect: { timeout: CONNECT_MS, lookup: options.lookup },
  });
  return {
    async request({ method, url, headers, body, signal }) {
      refuseLiteral(options.guard, new URL(url).hostname);
      try {
        const answer = await request(url, { method, headers, body, signal, dispatcher: agent });
        return {
          status: answer.statusCode,
          headers: toHeaders(answer.headers),
          text: await readText(answer.body),
        };
      } catch (error) {
        throw explain(error, new URL(url).host, signal);
      }
    },
    close: () => agent.destroy(),
  };
}

/** A literal address is not looked up, so it is judged here. */
export function refuseLiteral(guard: Pick<AddressGuard, 'refuse'>, hostname: string): void {
  const literal = hostname.replace(/^\[|\]$/g, '');
  const reason = isIP(literal) === 0 ? null : guard.refuse(literal);
  if (reason !== null) throw new SinkTrouble('address_refused', `${reason}.`);
}

/** Of a GuardedLookup. */
export function isRefusal(error: unknown): boolean {
  const { errorCode } = (error ?? {}) as { errorCode?: unknown };
  return errorCode === 'address_not_allowed';
}

function explain(error: unknown, host: string, signal: AbortSignal): SinkTrouble {
  const { code, message } = error as { code?: string; message?: string };
  const cause = { cause: error };
  if (signal.aborted) return new SinkTrouble('timeout', `${host} did not answer in time.`, cause);
  if (isRefusal(error)) return new SinkTrouble('address_refused', `${message}.`, cause);
  const isSlow = /TIMEOUT/i.test(code ?? '');
  if (isSlow) return new SinkTrouble('timeout', `${host} did not answer in time.`, cause);
  return new SinkTrouble(
    'unreachable',
    `${host}: ${message ?? code ?? 'the connection broke'}.`,
    cause,
  );
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body) {
    // The rest is read too, so that the connection can be used again, and is not kept.
    if (size < MAX_TEXT) pieces.push(piece.subarray(0, MAX_TEXT - size));
    size += piece.length;
  }
  return Buffer.concat(pieces).toString('utf8');
}

function toHeaders(
  headers: Record<string, string | string[] | undefined>,
): SinkHttpAnswer['headers'] {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}
