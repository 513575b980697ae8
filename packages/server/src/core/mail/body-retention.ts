/**
 * Pure: until when the bytes of a message are kept. Days are counted from when its first attempt may fall, and are
 * never fewer than delivering it may take, twice over; with none the bytes go as soon as nobody waits for them
 * (retention keeps what is queued or held, whatever its age).
 */
export function bodyRetainUntil(given: {
  startsByMs: number;
  bodyRetentionMs: number;
  expiryMs: number;
}): number {
  const { startsByMs, bodyRetentionMs, expiryMs } = given;
  return bodyRetentionMs === 0 ? startsByMs : startsByMs + Math.max(bodyRetentionMs, expiryMs * 2);
}
