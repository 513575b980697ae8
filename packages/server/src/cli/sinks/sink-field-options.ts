import type { Option } from 'commander';
import { option, repeated, type ServerCall } from '../program/command-spec.ts';
import { given, readObject, readText } from '../program/values.ts';
import { readSettings, type WithSettings } from './read-settings.ts';

/** The fields of a sink that have a flag; `--fields` takes all of them. */
export interface SinkFieldOptions {
  set: readonly string[];
  name?: string;
  type?: string;
  filter?: string;
  transformation?: string;
  fields?: string;
}

export const sinkFieldOptions = (): Option[] => [
  repeated(
    '--set <name=value>',
    'a setting of its kind ("posthorn sinks kinds KIND"); name=@FILE reads it; may be repeated',
  ),
  option('--name <text>', 'for people; commands take it too'),
  ...choosingOptions(),
  option(
    '--fields <file>',
    'JSON with any fields (docs/sinks.md), settings among them; - reads standard input',
  ),
];

/** Which events, and what is made of them. */
export const choosingOptions = (): Option[] => [
  option('--type <types>', 'types or families, separated by commas: email.*,suppression.added'),
  option('--filter <file>', 'JSON with conditions on what is in an event (docs/webhooks.md)'),
  option('--transformation <file>', 'JSONata that makes what is sent; - reads standard input'),
];

export async function readChoosing({
  options,
  world,
}: Pick<ServerCall<Omit<SinkFieldOptions, 'set'>>, 'options' | 'world'>): Promise<
  Record<string, unknown>
> {
  const { type, filter, transformation } = options;
  return given({
    event_types: type?.split(',').map((one) => one.trim()),
    filter: filter === undefined ? undefined : await readObject(filter, world, '--filter'),
    transformation:
      transformation === undefined
        ? undefined
        : await readText(transformation, world, '--transformation'),
  });
}

/** As the API names them; a flag counts more than the same in `--fields`. Throws ConfigError. */
export async function readSinkFields(
  call: Pick<ServerCall<SinkFieldOptions>, 'options' | 'world'>,
  of: WithSettings,
): Promise<Record<string, unknown>> {
  const { options, world } = call;
  const read =
    options.fields === undefined ? {} : await readObject(options.fields, world, '--fields');
  const set = await readSettings(options.set, of, world);
  const settings = { ...(read['settings'] as object | undefined), ...set };
  return {
    ...read,
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
    ...given({ name: options.name }),
    ...(await readChoosing(call)),
  };
}
