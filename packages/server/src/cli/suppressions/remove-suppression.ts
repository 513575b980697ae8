import { ApiError } from '../client/api-client.ts';
import { readPages } from '../client/list-pages.ts';
import { defineCommand } from '../program/command-spec.ts';
import type { SuppressionRow } from './suppression-columns.ts';

/** `posthorn suppressions remove`: by id, or every entry of an address. */
export const removeSuppression = defineCommand<object>({
  name: 'suppressions remove',
  summary: 'Take an address off the list, by itself or by the id of an entry.',
  args: ['<address-or-id>'],
  json: 'what was removed as JSON, a line each',
  examples: ['posthorn suppressions remove you@example.com'],
  async run({ args: [given = ''], client, print }) {
    const found: { id: string; address: string | null }[] = [];
    if (!given.includes('@')) found.push({ id: given, address: null });
    else {
      const query = { address: given };
      for await (const { rows } of readPages<SuppressionRow>(client, '/v1/suppressions', {
        query,
        limit: 100,
      })) {
        found.push(...rows);
      }
      if (found.length === 0) {
        throw new ApiError(`${given} is not on the list.`, { status: 404, code: 'not_found' });
      }
    }
    for (const { id, address } of found) {
      await client.remove(`/v1/suppressions/${encodeURIComponent(id)}`);
      print.thing({ id, address, removed: true }, () => [`Off the list: ${address ?? id}`]);
    }
    return 0;
  },
});
