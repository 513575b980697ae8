import type { CommandGroup } from '../program/add-commands.ts';
import { commonOptions } from '../program/common-options.ts';

/** What can stand at one place of a command line: behind `posthorn`, `posthorn messages` ... */
export interface CompletionPlace {
  /** The words that lead there, without `posthorn`. */
  path: string;
  words: { word: string; description: string }[];
  options: CompletionOption[];
}

export interface CompletionOption {
  /** `--state`. */
  flag: string;
  description: string;
  takesValue: boolean;
  choices: readonly string[];
}

/** The table of commands as completion needs it, in its order. */
export function listPlaces(groups: readonly CommandGroup[]): CompletionPlace[] {
  const places = new Map<string, CompletionPlace>();
  const placeOf = (path: string): CompletionPlace => {
    const found = places.get(path) ?? { path, words: [], options: [HELP] };
    places.set(path, found);
    return found;
  };
  placeOf('').options.push({ ...HELP, flag: '--version', description: 'print the version' });
  for (const { commands, nouns = {} } of groups) {
    for (const spec of commands) {
      const words = spec.name.split(' ');
      for (const [at, word] of words.entries()) {
        const above = placeOf(words.slice(0, at).join(' '));
        const isLast = at === words.length - 1;
        const description = isLast ? spec.summary : (nouns[word] ?? '');
        if (!above.words.some((one) => one.word === word)) above.words.push({ word, description });
      }
      const own = [...(spec.options ?? []), ...commonOptions(spec)];
      placeOf(spec.name).options.push(
        ...own.map((option) => ({
          flag: option.long ?? '',
          description: option.description,
          takesValue: option.required || option.optional,
          choices: option.argChoices ?? [],
        })),
      );
    }
  }
  return [...places.values()];
}

const HELP: CompletionOption = {
  flag: '--help',
  description: 'show the help',
  takesValue: false,
  choices: [],
};
