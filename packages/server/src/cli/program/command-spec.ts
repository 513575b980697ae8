import { Option } from 'commander';
import type { ApiClient } from '../client/api-client.ts';
import type { Printer } from '../output/printer.ts';
import type { World } from './world.ts';

/** What a command is run with. `args` in the order of its arguments; one that was left out is undefined. */
export interface Call<Options> {
  args: readonly (string | undefined)[];
  options: Options;
  print: Printer;
  world: World;
}

export interface ServerCall<Options> extends Call<Options> {
  client: ApiClient;
}

/** A row of the table of commands (commands.ts). */
export interface CommandSpec {
  /** With its noun: `endpoints list`. */
  name: string;
  /** One sentence. */
  summary: string;
  /** As in usage: `<id>`, `[file]`. */
  args?: readonly string[];
  options?: readonly Option[];
  /** What `--json` does; null for a command without it. */
  json?: string | null;
  /** Each a whole command line. */
  examples: readonly string[];
  /** With `--profile`, `--url` and `--key`. */
  asksServer: boolean;
  /** Resolves with the exit code. */
  run(call: Call<Record<string, unknown>>): Promise<number>;
}

type Spec<C> = Omit<CommandSpec, 'run' | 'asksServer'> & { run(call: C): Promise<number> };

/** A row for a command that talks to a server. `Options`: what commander makes of `options`. */
export interface ServerCommandSpec extends Omit<CommandSpec, 'run'> {
  asksServer: true;
  ask(call: ServerCall<Record<string, unknown>>): Promise<number>;
}

export type AnyCommandSpec = CommandSpec | ServerCommandSpec;

/** A command of this machine. */
export function defineLocalCommand<Options extends object>(
  spec: Spec<Call<Options>> & { asksServer?: boolean },
): CommandSpec {
  return {
    asksServer: false,
    ...spec,
    run: (call) => spec.run(call as Call<object> as Call<Options>),
  };
}

/** A command that asks a server through the one client; the table adds how to find it. */
export function defineCommand<Options extends object>(
  spec: Spec<ServerCall<Options>>,
): ServerCommandSpec {
  const { run, ...rest } = spec;
  return {
    ...rest,
    asksServer: true,
    ask: (call) => run(call as ServerCall<object> as ServerCall<Options>),
  };
}

/** `read` turns the text into the value, or throws InvalidArgumentError (values.ts). */
export function option(
  flags: string,
  description: string,
  read?: (text: string) => unknown,
): Option {
  const made = new Option(flags, description);
  return read === undefined ? made : made.argParser(read);
}

export const required = (flags: string, description: string): Option =>
  new Option(flags, description).makeOptionMandatory();

export const choice = (flags: string, description: string, choices: readonly string[]): Option =>
  new Option(flags, description).choices(choices);

/** May be given several times. */
export const repeated = (flags: string, description: string): Option =>
  new Option(flags, description)
    .argParser<readonly string[]>((value, earlier = []) => [...earlier, value])
    .default([], 'none');
