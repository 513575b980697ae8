import { DELIVERY_STATES } from '../../core/webhooks/delivery-state.ts';
import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { choice, defineCommand, option } from '../program/command-spec.ts';
import { readTime } from '../program/values.ts';
import { DELIVERY_COLUMNS, type DeliveryRow } from './delivery-view.ts';

interface Options extends PageOptions {
  state?: string;
  endpoint?: string;
  event?: string;
  message?: string;
  type?: string;
  error?: string;
  since?: string;
  until?: string;
}

export const listDeliveries = defineCommand<Options>({
  name: 'deliveries list',
  summary: 'List what endpoints were owed; --state dead are the dead letters.',
  options: [
    choice('--state <state>', 'only in this state', DELIVERY_STATES),
    option('--endpoint <id>', 'only to this endpoint, by id or uid'),
    option('--event <id>', 'only of this event'),
    option('--message <id>', 'only of this message'),
    option('--type <types>', 'only of these types or families, separated by commas'),
    option('--error <code>', 'only where the latest attempt failed with this, such as timeout'),
    option('--since <time>', 'from this time on, or so long ago: 2h'),
    option('--until <time>', 'up to this time'),
    ...pageOptions(),
  ],
  examples: ['posthorn deliveries list --state dead --since 1d'],
  run(call) {
    const { state, endpoint, event, message, type, error, since, until } = call.options;
    const nowMs = call.world.nowMs();
    const time = (value: string | undefined, flag: string): string | undefined =>
      value === undefined ? undefined : readTime(value, nowMs, flag);
    return printList<DeliveryRow>(call, '/v1/deliveries', {
      query: {
        state,
        endpoint_id: endpoint,
        event_id: event,
        message_id: message,
        type,
        error_code: error,
        since: time(since, '--since'),
        until: time(until, '--until'),
      },
      columns: DELIVERY_COLUMNS,
      empty: 'There is no such delivery.',
    });
  },
});
