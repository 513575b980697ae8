import type { Command } from 'commander';
import type { ClientFlags } from '../client/client-settings.ts';
import { reportFailure, runClientCommand } from '../client/run-client-command.ts';
import { createPrinter } from '../output/printer.ts';
import type { AnyCommandSpec } from './command-spec.ts';
import { commonOptions } from './common-options.ts';
import type { World } from './world.ts';

/** Commands that stand together in the help. */
export interface CommandGroup {
  heading: string;
  /** What stands above commands of two words, by the first. */
  nouns?: Readonly<Record<string, string>>;
  commands: readonly AnyCommandSpec[];
}

/** How the program that the commands belong to is run. `end` takes the exit code. */
export interface Surroundings {
  world: World;
  end(exitCode: number): void;
}

export function addCommands(program: Command, group: CommandGroup, around: Surroundings): void {
  program.commandsGroup(group.heading);
  for (const spec of group.commands) {
    const words = spec.name.split(' ');
    const verb = words.pop() ?? '';
    const parent = words.reduce((above, word) => findNoun(above, word, group.nouns ?? {}), program);
    addCommand(parent.command(verb), spec, around);
  }
}

function findNoun(above: Command, word: string, nouns: Readonly<Record<string, string>>): Command {
  const found = above.commands.find((one) => one.name() === word);
  if (found !== undefined) return found;
  const noun = above.command(word).description(nouns[word] ?? '');
  return noun.helpCommand(false);
}

function addCommand(command: Command, spec: AnyCommandSpec, around: Surroundings): void {
  command.description(spec.summary);
  for (const argument of spec.args ?? []) command.argument(argument);
  for (const one of [...(spec.options ?? []), ...commonOptions(spec)]) command.addOption(one);
  addExamples(command, spec.examples);
  command.action(async (...given: unknown[]) => {
    const args = given.slice(0, command.registeredArguments.length).map(toText);
    around.end(await run(spec, { args, options: command.opts() }, around.world));
  });
}

/** Help that teaches: what one would type. */
function addExamples(command: Command, examples: readonly string[]): void {
  const heading = examples.length === 1 ? 'Example:' : 'Examples:';
  const lines = examples.map((line) => `  ${line}`);
  command.addHelpText('after', `\n${heading}\n${lines.join('\n')}`);
}

async function run(
  spec: AnyCommandSpec,
  typed: { args: (string | undefined)[]; options: ClientFlags & { json?: boolean } },
  world: World,
): Promise<number> {
  const json = typed.options.json === true;
  const call = {
    ...typed,
    options: { ...typed.options },
    print: createPrinter(json, world),
    world,
  };
  if ('ask' in spec) {
    return runClientCommand(typed.options, (client) => spec.ask({ ...call, client }), world);
  }
  try {
    return await spec.run(call);
  } catch (error) {
    return reportFailure(error, { json, writeError: world.writeError });
  }
}

const toText = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
