import { type PageOptions, pageOptions, printList } from '../client/list-pages.ts';
import { renderFields } from '../output/table.ts';
import { defineCommand } from '../program/command-spec.ts';
import { findSink } from './find-sink.ts';
import { findKind, readKinds, type SettingSchema, type SinkKindView } from './read-settings.ts';
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

export const listSinkKinds = defineCommand<object>({
  name: 'sinks kinds',
  summary: 'List the kinds of sinks, or the settings of one.',
  args: ['[kind]'],
  examples: ['posthorn sinks kinds', 'posthorn sinks kinds rabbitmq'],
  async run({ args: [name], client, print }) {
    const kinds = await readKinds(client);
    if (name === undefined) {
      print.rows(
        kinds,
        [
          { head: 'kind', text: ({ kind }) => kind },
          { head: 'what arrives', minWidth: 20, text: ({ summary }) => summary },
        ],
        true,
      );
    } else {
      const kind = findKind(kinds, name);
      print.thing(kind, () => renderKind(kind));
    }
    return 0;
  },
});

function renderKind({ kind, title, summary, repeats, settings, secrets }: SinkKindView): string[] {
  const { properties = {}, required = [] } = settings;
  const fields = Object.entries(properties).map(([name, schema]): [string, string] => {
    const notes = [
      ...(required.includes(name) ? ['needed'] : usualOf(schema)),
      ...(secrets.includes(name) ? ['secret'] : []),
      ...(schema.enum === undefined ? [] : [schema.enum.join(' | ')]),
    ];
    const text = schema.description ?? '';
    return [name, notes.length === 0 ? text : `${text} (${notes.join('; ')})`.trim()];
  });
  return [
    `${kind}: ${title}. ${summary}`,
    `An event that is sent twice: ${repeats}`,
    '',
    ...renderFields(fields),
  ];
}

function usualOf(schema: SettingSchema): string[] {
  const { default: usual } = schema;
  if (usual === undefined || usual === '' || typeof usual === 'object') return [];
  return [`usually ${usual}`];
}
