import { performance } from 'node:perf_hooks';

/** What has been active and idle since the start, ms: performance.eventLoopUtilization. */
type ReadUse = () => { active: number; idle: number };

const PRESSED = 0.9;
/** Shorter stretches say little, ms. */
const STRETCH_MS = 250;

/** Whether the event loop had next to no time to spare lately, in the stretch of a quarter of a second or more before. */
export function createLoopGauge(
  read: ReadUse = () => performance.eventLoopUtilization(),
): () => boolean {
  let last = read();
  let isPressed = false;
  return () => {
    const now = read();
    const active = now.active - last.active;
    const stretchMs = active + now.idle - last.idle;
    if (stretchMs >= STRETCH_MS) {
      isPressed = active >= stretchMs * PRESSED;
      last = now;
    }
    return isPressed;
  };
}
