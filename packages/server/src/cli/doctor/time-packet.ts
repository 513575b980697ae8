/** SNTP (RFC 5905 section 14): a request, and how far our clock is ahead of the answer's. */

/** Version 4, mode 3 (client); everything else may be zero. */
export const TIME_REQUEST: Uint8Array = Uint8Array.from({ length: 48 }, (_, i) =>
  i === 0 ? 0x23 : 0,
);

/** Seconds between 1900, where its time begins, and 1970. */
const EPOCH_SECONDS = 2_208_988_800;

/** Null for what is no answer, or one of a server that does not know the time itself. */
export function readOffset(
  packet: Uint8Array,
  { sentMs, gotMs }: { sentMs: number; gotMs: number },
): number | null {
  if (packet.length < 48) return null;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const mode = view.getUint8(0) & 0b111;
  const stratum = view.getUint8(1);
  if (mode !== 4 || stratum === 0 || stratum > 15) return null;
  const receivedMs = readTimestamp(view, 32);
  const answeredMs = readTimestamp(view, 40);
  return Math.round((sentMs - receivedMs + (gotMs - answeredMs)) / 2);
}

function readTimestamp(view: DataView, at: number): number {
  const seconds = view.getUint32(at) - EPOCH_SECONDS;
  return seconds * 1_000 + (view.getUint32(at + 4) / 2 ** 32) * 1_000;
}
