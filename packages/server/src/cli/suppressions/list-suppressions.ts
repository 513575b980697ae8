import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { choice, defineCommand, option } from '../program/command-spec.ts';
import {
  REASONS,
  STREAMS,
  SUPPRESSION_COLUMNS,
  type SuppressionRow,
} from './suppression-columns.ts';

interface Options extends PageOptions {
  address?: string;
  reason?: string;
  source?: string;
  stream?: string;
}

export const listSuppressions = defineCommand<Options>({
  name: 'suppressions list',
  summary: 'List addresses that get no mail, and why.',
  options: [
    option('--address <address>', 'only of this address'),
    choice('--reason <reason>', 'only for this reason', REASONS),
    option('--source <name>', 'only from there: posthorn, api, import, or a provider'),
    choice('--stream <stream>', 'only of this stream', ['all', ...STREAMS]),
    ...pageOptions(),
  ],
  examples: ['posthorn suppressions list --address you@example.com'],
  run(call) {
    const { address, reason, source, stream } = call.options;
    return printList<SuppressionRow>(call, '/v1/suppressions', {
      query: { address, reason, source, stream },
      columns: SUPPRESSION_COLUMNS,
      empty: 'No such address is on the list.',
    });
  },
});
