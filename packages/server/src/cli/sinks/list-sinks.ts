import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { defineCommand } from '../program/command-spec.ts';
import { findSink } from './find-sink.ts';
import { renderSink, SINK_COLUMNS, type SinkView } from './sink-view.ts';

export const listSinks = defineCommand<PageOptions>({
  name: 'sinks list',
  summary: 'List where events go beside webhooks, and how each fares.',
  options: pageOptions(),
  examples: [
    'posthorn sinks list',
    "posthorn sinks list --all --json | jq -r '.progress.lag_seconds'",
  ],
  run: (call) =>
    printList<SinkView>(call, '/v1/sinks', {
      columns: SINK_COLUMNS,
      empty: 'There is no sink yet. "posthorn sinks kinds" has what one can be.',
    }),
});

export const showSink = defineCommand<object>({
  name: 'sinks show',
  summary: 'Show a sink: how far it has come, and what is wrong with it.',
  args: ['<name-or-id>'],
  json: 'the sink as JSON',
  examples: ['posthorn sinks show warehouse'],
  async run({ args: [id], client, print }) {
    const sink = await findSink(client, id);
    print.thing(sink, () => renderSink(sink));
    return 0;
  },
});
