import { followEvents } from '../client/event-stream.ts';
import { defineCommand, option } from '../program/command-spec.ts';
import { wholeNumber } from '../program/values.ts';
import { renderEventLine } from './event-columns.ts';
import {
  type EventFilterOptions,
  eventFilterOptions,
  toEventQuery,
} from './event-filter-options.ts';

interface Options extends EventFilterOptions {
  after: string;
  count?: number;
}

/** `posthorn events tail`: events as they come, until Ctrl-C or `--count`. */
export const tailEvents = defineCommand<Options>({
  name: 'events tail',
  summary: 'Show events as they come, without a gap when the connection breaks.',
  options: [
    ...eventFilterOptions(),
    option('--after <place>', 'where to begin: start, now, or a cursor').default('now'),
    option('--count <number>', 'end after so many', wholeNumber(1, 1_000_000_000)),
  ],
  json: 'each event as JSON, on a line',
  examples: [
    'posthorn events tail --type email.bounced,email.complained',
    'posthorn events tail --json --after start --count 100',
  ],
  async run({ options, client, print, world }) {
    let left = options.count ?? Number.POSITIVE_INFINITY;
    let isLost = false;
    // Where somebody waits for the first line, and a program may read the lines.
    print.note(`Events of ${client.url}; Ctrl-C ends.`);
    const events = followEvents({
      client,
      after: options.after,
      filter: toEventQuery(options),
      signal: world.untilInterrupted(),
      sleep: world.sleep,
      onLost(reason, waitMs) {
        if (!isLost) {
          world.writeError(`The connection is gone (${reason}); again in ${waitMs / 1_000} s.\n`);
        }
        isLost = true;
      },
      onOpen() {
        if (isLost) world.writeError('Connected again; nothing was missed.\n');
        isLost = false;
      },
    });
    for await (const event of events) {
      print.thing(event, () => [renderEventLine(event, world.colors)]);
      left -= 1;
      if (left <= 0) break;
    }
    return 0;
  },
});
