import { defineCommand, option } from '../program/command-spec.ts';
import { confirm } from '../program/confirm.ts';
import { type EndpointView, endpointPath } from './endpoint-view.ts';

export const deleteEndpoint = defineCommand<{ yes?: boolean }>({
  name: 'endpoints delete',
  summary: 'Delete an endpoint; what it was still owed is canceled.',
  args: ['<id>'],
  options: [option('--yes', 'do not ask')],
  json: 'what was deleted as JSON',
  examples: ['posthorn endpoints delete orders --yes'],
  async run({ args: [id], client, options, print, world }) {
    const { id: found, url } = await client.get<EndpointView>(endpointPath(id));
    if (!(await confirm(`Delete ${found} (${url})?`, { yes: options.yes, world }))) return 1;
    await client.remove(endpointPath(found));
    print.thing({ id: found, url, deleted: true }, () => [`Deleted: ${url}`]);
    return 0;
  },
});
