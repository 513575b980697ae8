import { renderFields, type TableColumn } from '../output/table.ts';
import { defineCommand } from '../program/command-spec.ts';
import {
  findKind,
  findPreset,
  readKinds,
  readPresets,
  type SettingSchema,
  type WithSettings,
} from './read-settings.ts';

const columns = <Row extends WithSettings>(
  head: string,
  text: (row: Row) => string,
): TableColumn<Row>[] => [
  { head, text },
  { head: 'what arrives', minWidth: 20, text: ({ summary }) => summary },
];

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
        columns('kind', ({ kind }) => kind),
        true,
      );
      return 0;
    }
    const found = findKind(kinds, name);
    print.thing(found, () => [
      `${found.kind}: ${found.title}. ${found.summary}`,
      `An event that is sent twice: ${found.repeats}`,
      '',
      ...renderSettings(found),
    ]);
    return 0;
  },
});

export const listSinkPresets = defineCommand<object>({
  name: 'sinks presets',
  summary: 'List sinks with everything filled in for one API, or what one needs.',
  args: ['[preset]'],
  examples: ['posthorn sinks presets', 'posthorn sinks presets hubspot-contacts'],
  async run({ args: [name], client, print }) {
    const presets = await readPresets(client);
    if (name === undefined) {
      print.rows(
        presets,
        columns('preset', ({ preset }) => preset),
        true,
      );
      return 0;
    }
    const found = findPreset(presets, name);
    print.thing(found, () => [
      `${found.preset}: ${found.title}. ${found.summary}`,
      `It needs: ${found.needs}`,
      `Events: ${found.event_types.join(', ')}`,
      '',
      ...renderSettings(found),
    ]);
    return 0;
  },
});

function renderSettings({ settings, secrets }: WithSettings): string[] {
  const { properties = {}, required = [] } = settings;
  const fields = Object.entries(properties).map(([name, schema]): [string, string] => {
    const notes = [
      ...(required.includes(name) ? ['needed'] : usualOf(schema)),
      ...(secrets.includes(name) ? ['secret'] : []),
      ...(schema.enum === undefined ? [] : [schema.enum.join(' | ')]),
    ];
    const noted = notes.length === 0 ? '' : `(${notes.join('; ')})`;
    return [name, `${schema.description ?? ''} ${noted}`.trim() || '(may be left out)'];
  });
  return renderFields(fields);
}

function usualOf({ default: usual }: SettingSchema): string[] {
  if (usual === undefined || usual === '' || typeof usual === 'object') return [];
  return [`usually ${usual}`];
}
