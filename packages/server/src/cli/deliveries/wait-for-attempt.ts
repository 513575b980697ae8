import type { ServerCall } from '../program/command-spec.ts';
import type { DeliveryDetail } from './delivery-view.ts';

const LOOK_MS = 200;
/** An endpoint has 15 s to answer; then there is nothing to wait for. */
const LOOKS = 100;

/**
 * The delivery as soon as it has more than `attempts` of them, or as it is when that takes too long or
 * somebody presses Ctrl-C. How often it was looked at is counted, so that no clock is asked.
 */
export async function waitForAttempt(
  deliveryId: string,
  attempts: number,
  { client, world }: Pick<ServerCall<object>, 'client' | 'world'>,
): Promise<DeliveryDetail> {
  const interrupted = world.untilInterrupted();
  const path = `/v1/deliveries/${encodeURIComponent(deliveryId)}`;
  let delivery = await client.get<DeliveryDetail>(path);
  for (let look = 0; look < LOOKS && !interrupted.aborted; look++) {
    if (delivery.attempt_count > attempts || isEnded(delivery)) return delivery;
    await world.sleep(LOOK_MS);
    delivery = await client.get<DeliveryDetail>(path);
  }
  return delivery;
}

const isEnded = ({ state }: DeliveryDetail): boolean =>
  state === 'delivered' || state === 'dead' || state === 'skipped' || state === 'canceled';
