import type { CompletionPlace } from './completion-table.ts';

/** A script for zsh, with descriptions. It may be sourced, or lie in a folder of $fpath as `_posthorn`. */
export function renderZsh(places: readonly CompletionPlace[]): string {
  const paths = places.map(({ path }) => path).filter((path) => path !== '');
  const values = places.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ flag, choices }) =>
        choices.length === 0
          ? `    ${quote(`${path} ${flag}`)}) _files; return ;;`
          : `    ${quote(`${path} ${flag}`)}) compadd -- ${choices.join(' ')}; return ;;`,
      ),
  );
  const lists = places.map(({ path, words, options }) => {
    const below = words.map(({ word, description }) => entry(word, description));
    const flags = options.map(({ flag, description }) => entry(flag, description));
    return `    ${quote(path)})
      below=(${below.join(' ')})
      flags=(${flags.join(' ')}) ;;`;
  });
  return `#compdef posthorn
# zsh completion for posthorn. Made by: posthorn completion zsh
_posthorn() {
  local at="" word i prev="\${words[CURRENT-1]}"
  local -a below flags
  for ((i = 2; i < CURRENT; i++)); do
    word="\${at:+$at }\${words[i]}"
    case "$word" in
    ${paths
      .map((path) => `(${quote(path)})`)
      .join('|')
      .replaceAll(')|(', '|')} at="$word" ;;
    esac
  done
  case "$at $prev" in
${values.join('\n')}
  esac
  case "$at" in
${lists.join('\n')}
  esac
  (( $#below )) && _describe -t commands command below
  [[ $PREFIX == -* ]] && _describe -t options option flags
  (( $#below )) || [[ $PREFIX == -* ]] || _files
}
if [ "$funcstack[1]" = "_posthorn" ]; then _posthorn "$@"; else compdef _posthorn posthorn; fi
`;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** In a list for _describe a colon ends the word. */
const entry = (word: string, description: string): string =>
  quote(`${word.replaceAll(':', '\\:')}:${description.replaceAll(':', '\\:')}`);
