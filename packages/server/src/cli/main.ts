import { Command, CommanderError } from 'commander';
import { messageOf } from '../lib/errors.ts';
import { COMMAND_GROUPS } from './commands.ts';
import { redactSecrets } from './output/redact-secrets.ts';
import { addCommands } from './program/add-commands.ts';
import { createSystemWorld, type World } from './program/world.ts';
import { readVersion } from './read-version.ts';

/** The `posthorn` command. `argv` without node and script. Resolves with the exit code. */
export async function main(
  argv: readonly string[],
  world: World = createSystemWorld(),
): Promise<number> {
  let exitCode = 0;
  const program = createProgram(world, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    reportFault(error, world);
    return 1;
  }
  return exitCode;
}

/** Every command with its options: what help, completion and the run itself are made of. */
export function createProgram(world: World, end: (exitCode: number) => void): Command {
  const program = new Command('posthorn')
    .description('Send email, and hear what becomes of it.')
    .version(readVersion())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.out(text.replace(/\n$/, '')),
      writeErr: (text) => world.writeError(text),
      outputError: (text, write) => write(redactSecrets(text.replace(/^error: /, 'posthorn: '))),
    });
  for (const group of COMMAND_GROUPS) addCommands(program, group, { world, end });
  pointToHelp(program, 'posthorn');
  return program;
}

/** After a mistake: where the command that was meant is explained. */
function pointToHelp(command: Command, name: string): void {
  command.showHelpAfterError(`(${name} --help says more)`);
  for (const one of command.commands) pointToHelp(one, `${name} ${one.name()}`);
}

/** A fault of ours. The stack is for who looks for it; others would not know what to do with it. */
function reportFault(error: unknown, { env, writeError }: World): void {
  const stack = error instanceof Error ? error.stack : undefined;
  const shown = env['POSTHORN_DEBUG'] && stack !== undefined ? stack : messageOf(error);
  const hint = env['POSTHORN_DEBUG'] ? '' : ' (POSTHORN_DEBUG=1 shows where.)';
  writeError(`posthorn: ${redactSecrets(shown)}${hint}\n`);
}
