import { renderDelivery } from '../deliveries/delivery-view.ts';
import { waitForAttempt } from '../deliveries/wait-for-attempt.ts';
import { defineCommand, option } from '../program/command-spec.ts';
import { given } from '../program/values.ts';
import { endpointPath } from './endpoint-view.ts';

interface Tested {
  event_id: string;
  delivery_id: string;
  type: string;
}

export const testEndpoint = defineCommand<{ type?: string; wait: boolean }>({
  name: 'endpoints test',
  summary: 'Send a test event to an endpoint, and show what it answers.',
  args: ['<id>'],
  options: [
    option('--type <type>', 'which event, such as email.bounced'),
    option('--no-wait', 'do not wait for the answer'),
  ],
  json: 'the delivery as JSON',
  examples: ['posthorn endpoints test orders --type email.bounced'],
  async run(call) {
    const { client, options, print, world } = call;
    const path = `${endpointPath(call.args[0])}/test`;
    const tested = await client.post<Tested>(path, given({ type: options.type }));
    if (!options.wait) {
      print.thing(tested, () => [`${tested.type} is on its way as ${tested.delivery_id}.`]);
      return 0;
    }
    const delivery = await waitForAttempt(tested.delivery_id, 0, call);
    print.thing(delivery, () => renderDelivery(delivery, world.colors));
    return delivery.state === 'delivered' ? 0 : 1;
  },
});
