import { ConfigError } from '../../config.ts';
import { nearestName } from '../../core/nearest-name.ts';
import type { CommandGroup } from '../program/add-commands.ts';
import { type CommandSpec, defineLocalCommand } from '../program/command-spec.ts';
import { renderBash } from './bash-completion.ts';
import { type CompletionPlace, listPlaces } from './completion-table.ts';
import { renderFish } from './fish-completion.ts';
import { renderZsh } from './zsh-completion.ts';

const SHELLS: Readonly<Record<string, (places: readonly CompletionPlace[]) => string>> = {
  bash: renderBash,
  zsh: renderZsh,
  fish: renderFish,
};

/** `posthorn completion SHELL`. `groups`: the whole table, of which this command is a part itself. */
export function createCompletionCommand(groups: () => readonly CommandGroup[]): CommandSpec {
  return defineLocalCommand<object>({
    name: 'completion',
    summary: 'Print a script that completes commands and options in bash, zsh or fish.',
    args: ['<shell>'],
    json: null,
    examples: [
      'source <(posthorn completion bash)',
      'posthorn completion fish > ~/.config/fish/completions/posthorn.fish',
    ],
    async run({ args: [shell = ''], world }) {
      const render = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
      if (render === undefined) {
        const names = Object.keys(SHELLS);
        const nearest = nearestName(shell, names);
        const hint =
          nearest === null ? `There are: ${names.join(', ')}.` : `Did you mean "${nearest}"?`;
        throw new ConfigError(`There is no completion for "${shell}". ${hint}`);
      }
      world.out(render(listPlaces(groups())).trimEnd());
      return 0;
    },
  });
}
