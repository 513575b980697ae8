import { defineCommand } from '../program/command-spec.ts';
import { type DeliveryDetail, renderDelivery } from './delivery-view.ts';

export const showDelivery = defineCommand<object>({
  name: 'deliveries show',
  summary: 'Show a delivery with each of its attempts and what the endpoint answered.',
  args: ['<id>'],
  json: "the server's answer as JSON",
  examples: ['posthorn deliveries show dlv_...'],
  async run({ args: [id = ''], client, print, world }) {
    const delivery = await client.get<DeliveryDetail>(`/v1/deliveries/${encodeURIComponent(id)}`);
    print.thing(delivery, () => renderDelivery(delivery, world.colors));
    return 0;
  },
});
