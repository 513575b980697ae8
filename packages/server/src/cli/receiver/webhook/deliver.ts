import type { CanonicalEvent } from '@posthorn/sdk';
import type { Exchanger, Reply } from './exchange.ts';
import type { WebhookWriter } from './webhook-writer.ts';

/** What became of an event that a command posted itself. */
export type DeliveryResult =
  | { sent: true; ok: boolean; status: number | null; latencyMs: number; error: string | null }
  | { sent: false; reason: string };

/** Posts one event in the writer's dialect. */
export async function deliverEvent(
  event: CanonicalEvent,
  options: { url: URL; writer: WebhookWriter; send: Exchanger['send']; nowMs: number },
): Promise<DeliveryResult> {
  const { url, writer, send, nowMs } = options;
  const post = writer.encode(event);
  if (post === null) return { sent: false, reason: `${writer.dialect} has no word for it` };
  const { headers, body } = writer.sign(post, { id: event.id, nowMs });
  return toResult(await send({ url, method: 'POST', headers, body }));
}

function toResult(reply: Reply): DeliveryResult {
  const latencyMs = Math.round(reply.durationMs);
  if (reply.status === null) {
    return { sent: true, ok: false, status: null, latencyMs, error: reply.error };
  }
  const ok = reply.status >= 200 && reply.status < 300;
  return { sent: true, ok, status: reply.status, latencyMs, error: null };
}

/** `204 in 12 ms`, or why there is no status. */
export function renderResult(result: DeliveryResult): string {
  if (!result.sent) return `not sent: ${result.reason}`;
  return `${result.status ?? result.error} in ${result.latencyMs} ms`;
}

/** The same for programs. */
export function resultJson(result: DeliveryResult): object {
  if (!result.sent) return { status: null, latency_ms: null, error: result.reason };
  return { status: result.status, latency_ms: result.latencyMs, error: result.error };
}
