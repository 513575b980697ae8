import type { CanonicalEvent } from '@posthorn/sdk';
import { defineCommand } from '../program/command-spec.ts';

export const showEvent = defineCommand<object>({
  name: 'events show',
  summary: 'Show an event as receivers get it.',
  args: ['<id>'],
  json: 'on one line',
  examples: ['posthorn events show evt_01M80HGTR79NK3RCHYQE4SR61C'],
  async run({ args: [id = ''], client, print }) {
    const event = await client.get<CanonicalEvent>(`/v1/events/${encodeURIComponent(id)}`);
    print.thing(event, () => JSON.stringify(event, null, 2).split('\n'));
    return 0;
  },
});
