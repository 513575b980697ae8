import { ConfigError } from '../../config.ts';
import {
  defineCommand,
  option,
  type ServerCall,
  type ServerCommandSpec,
} from '../program/command-spec.ts';
import { confirm } from '../program/confirm.ts';
import { findSink } from './find-sink.ts';
import { findKind, findPreset, readKinds, readPresets } from './read-settings.ts';
import { readSinkFields, type SinkFieldOptions, sinkFieldOptions } from './sink-field-options.ts';
import { renderSink, type SinkView, sinkPath } from './sink-view.ts';

export const createSink = defineCommand<SinkFieldOptions & { preset?: string }>({
  name: 'sinks create',
  summary: 'Create a sink of a kind or by a preset: it gets every event from now on.',
  args: ['[kind]'],
  options: [
    option('--preset <name>', 'one with everything filled in ("posthorn sinks presets")'),
    ...sinkFieldOptions(),
  ],
  json: 'the sink as JSON',
  examples: [
    'posthorn sinks create slack --set url=@webhook-url.txt --type email.bounced,email.complained',
    'posthorn sinks create http --set url=https://api.example.com/mail --set headers.authorization=@token.txt',
    'posthorn sinks create --preset hubspot-contacts --set token=@token.txt',
  ],
  async run(call) {
    const { args, client, options, print } = call;
    const body = { settings: {}, ...(await readWhat(call, args[0], options.preset)) };
    const created = await client.post<SinkView>('/v1/sinks', body);
    print.thing(created, () => [
      ...renderSink(created),
      '',
      `Try it: posthorn sinks test ${created.id}`,
    ]);
    return 0;
  },
});

/** The fields of a new sink, with its kind or preset among them. Throws ConfigError. */
async function readWhat(
  call: ServerCall<SinkFieldOptions>,
  kind: string | undefined,
  preset: string | undefined,
): Promise<Record<string, unknown>> {
  if (preset !== undefined && kind === undefined) {
    const of = findPreset(await readPresets(call.client), preset);
    return { ...(await readSinkFields(call, of)), preset };
  }
  if (kind === undefined || preset !== undefined) {
    throw new ConfigError('Name a kind ("posthorn sinks kinds"), or --preset instead of one.');
  }
  const of = findKind(await readKinds(call.client), kind);
  return { ...(await readSinkFields(call, of)), kind };
}

export const updateSink = defineCommand<SinkFieldOptions>({
  name: 'sinks update',
  summary: 'Change a sink; what is not named stays, and one that waits tries at once.',
  args: ['<name-or-id>'],
  options: sinkFieldOptions(),
  json: 'the sink as JSON',
  examples: [
    'posthorn sinks update warehouse --set password=@password.txt',
    `echo '{"transformation": null}' | posthorn sinks update warehouse --fields -`,
  ],
  async run(call) {
    const { client, print } = call;
    const sink = await findSink(client, call.args[0]);
    const kind = findKind(await readKinds(client), sink.kind);
    const body = await readSinkFields(call, kind);
    if (Object.keys(body).length === 0) {
      throw new ConfigError('Nothing to change: give --set, --type, --fields or another option.');
    }
    const changed = await client.patch<SinkView>(sinkPath(sink), body);
    print.thing(changed, () => renderSink(changed));
    return 0;
  },
});

const defineSwitch = (verb: string, paused: boolean, summary: string): ServerCommandSpec =>
  defineCommand<object>({
    name: `sinks ${verb}`,
    summary,
    args: ['<name-or-id>'],
    json: 'the sink as JSON',
    examples: [`posthorn sinks ${verb} warehouse`],
    async run({ args: [id], client, print }) {
      const sink = await findSink(client, id);
      const changed = await client.patch<SinkView>(sinkPath(sink), { paused });
      print.thing(changed, () => renderSink(changed));
      return 0;
    },
  });

export const pauseSink = defineSwitch(
  'pause',
  true,
  'Send nothing to a sink; its place in the log is kept.',
);
export const resumeSink = defineSwitch('resume', false, 'Let a sink go on where it stands.');

export const deleteSink = defineCommand<{ yes?: boolean }>({
  name: 'sinks delete',
  summary: 'Delete a sink, with its place in the log and what it refused.',
  args: ['<name-or-id>'],
  options: [option('--yes', 'do not ask')],
  json: 'what was deleted as JSON',
  examples: ['posthorn sinks delete warehouse --yes'],
  async run({ args: [id], client, options, print, world }) {
    const sink = await findSink(client, id);
    const question = `Delete ${sink.id} (${sink.name})?`;
    if (!(await confirm(question, { yes: options.yes, world }))) return 1;
    await client.remove(sinkPath(sink));
    const { id: found, name } = sink;
    print.thing({ id: found, name, deleted: true }, () => [`Deleted: ${name}`]);
    return 0;
  },
});
