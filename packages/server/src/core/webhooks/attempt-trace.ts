/**
 * What is kept of an attempt beyond its outcome, as one short JSON text: each delivery writes one, so
 * it holds only what cannot be told from elsewhere (the event is the body, started_at the timestamp).
 */
export interface AttemptTrace {
  /** The signature header as it was sent; null when nothing was sent, or in another dialect. */
  signature: string | null;
  /** The answer's headers: name, value, name, value ... */
  responseHeaders: readonly string[] | null;
  timing: AttemptTiming | null;
  /** The `webhook-id` of the post when several events shared it; null when it was the event's. */
  sharedId: string | null;
  /** Name, value, name, value ... of another dialect than ours; absent where they follow from the rest. */
  headers?: readonly string[];
  /** The version of the endpoint whose transformation made the body; absent where none did. */
  transformedBy?: number;
}

/** Milliseconds; null where a phase did not happen, as on a kept connection. */
export interface AttemptTiming {
  dnsMs: number | null;
  connectMs: number | null;
  tlsMs: number | null;
  firstByteMs: number | null;
  remoteAddress: string | null;
  reused: boolean;
}

export function encodeAttemptTrace(trace: AttemptTrace): string {
  const { timing, headers, transformedBy } = trace;
  return JSON.stringify([
    trace.signature,
    trace.responseHeaders,
    timing === null
      ? null
      : [
          timing.dnsMs,
          timing.connectMs,
          timing.tlsMs,
          timing.firstByteMs,
          timing.remoteAddress,
          timing.reused ? 1 : 0,
        ],
    trace.sharedId,
    ...(headers === undefined && transformedBy === undefined ? [] : [headers ?? null]),
    ...(transformedBy === undefined ? [] : [transformedBy]),
  ]);
}

export function decodeAttemptTrace(text: string): AttemptTrace {
  const [signature, responseHeaders, timing, sharedId, headers, transformedBy] = JSON.parse(text);
  return {
    signature,
    responseHeaders,
    timing: timing === null ? null : toTiming(timing),
    sharedId,
    ...(headers === undefined || headers === null ? {} : { headers }),
    ...(transformedBy === undefined ? {} : { transformedBy }),
  };
}

function toTiming(
  fields: [number | null, number | null, number | null, number | null, string | null, 0 | 1],
): AttemptTiming {
  const [dnsMs, connectMs, tlsMs, firstByteMs, remoteAddress, reused] = fields;
  return { dnsMs, connectMs, tlsMs, firstByteMs, remoteAddress, reused: reused === 1 };
}
