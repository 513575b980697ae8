import type { CompletionPlace } from './completion-table.ts';

/**
 * A script for bash 4 and newer. It walks along the words as far as they are commands; what stands between
 * them, such as the value of an option, is passed over. Where nothing fits, bash completes names of files.
 */
export function renderBash(places: readonly CompletionPlace[]): string {
  const paths = places.map(({ path }) => path).filter((path) => path !== '');
  const values = places.flatMap(({ path, options }) =>
    options
      .filter(({ choices }) => choices.length > 0)
      .map(({ flag, choices }) => `    "${path} ${flag}") words="${choices.join(' ')}" ;;`),
  );
  const taking = places.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue, choices }) => takesValue && choices.length === 0)
      .map(({ flag }) => `"${path} ${flag}"`),
  );
  const words = places.map(({ path, words: below, options }) => {
    const all = [...below.map(({ word }) => word), ...options.map(({ flag }) => flag)];
    return `    "${path}") words="${all.join(' ')}" ;;`;
  });
  return `# bash completion for posthorn. Made by: posthorn completion bash
_posthorn() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local path="" word words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${path:+$path }\${COMP_WORDS[i]}"
    case "$word" in
    ${paths.map((path) => `"${path}"`).join(' | ')}) path="$word" ;;
    esac
  done
  COMPREPLY=()
  case "$path $prev" in
${values.join('\n')}
    ${taking.join(' | ')}) return ;;
  esac
  if [[ -z $words ]]; then
    case "$path" in
${words.join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _posthorn posthorn
`;
}
