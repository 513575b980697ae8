import { defineCommand, option } from '../program/command-spec.ts';
import { type DeliveryDetail, type DeliveryRow, renderDelivery } from './delivery-view.ts';
import { waitForAttempt } from './wait-for-attempt.ts';

export const retryDelivery = defineCommand<{ wait: boolean }>({
  name: 'deliveries retry',
  summary: 'Try a delivery again now, and show what the endpoint answers.',
  args: ['<id>'],
  options: [option('--no-wait', 'do not wait for the answer')],
  json: 'the delivery as JSON',
  examples: ['posthorn deliveries retry dlv_...'],
  async run(call) {
    const { client, options, print, world } = call;
    const path = `/v1/deliveries/${encodeURIComponent(call.args[0] ?? '')}`;
    const before = await client.get<DeliveryDetail>(path);
    const asked = await client.post<DeliveryRow>(`${path}/retry`, undefined);
    if (!options.wait) {
      print.thing(asked, () => [`${asked.id} is tried again.`]);
      return 0;
    }
    const after = await waitForAttempt(asked.id, before.attempt_count, call);
    print.thing(after, () => renderDelivery(after, world.colors));
    return after.state === 'delivered' ? 0 : 1;
  },
});
