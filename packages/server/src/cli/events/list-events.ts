import type { CanonicalEvent } from '@posthorn/sdk';
import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { defineCommand } from '../program/command-spec.ts';
import { EVENT_COLUMNS } from './event-columns.ts';
import {
  type EventFilterOptions,
  eventFilterOptions,
  toEventQuery,
} from './event-filter-options.ts';

export const listEvents = defineCommand<PageOptions & EventFilterOptions>({
  name: 'events list',
  summary: 'List events, the newest first.',
  options: [...eventFilterOptions(), ...pageOptions()],
  examples: ['posthorn events list --type email.bounced', 'posthorn events list --all --json'],
  run: (call) =>
    printList<CanonicalEvent>(call, '/v1/events', {
      query: toEventQuery(call.options),
      columns: EVENT_COLUMNS,
      empty: 'There is no such event.',
    }),
});
