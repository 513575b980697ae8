import type { CompletionPlace } from './completion-table.ts';

/** A script for fish, with descriptions. */
export function renderFish(places: readonly CompletionPlace[]): string {
  const paths = places.map(({ path }) => path).filter((path) => path !== '');
  const lines = places.flatMap(({ path, words, options }) => {
    const at = `-n ${quote(`__posthorn_at ${quote(path)}`)}`;
    return [
      ...words.map(
        ({ word, description }) =>
          `complete -c posthorn ${at} -f -a ${word} -d ${quote(description)}`,
      ),
      ...options.map(({ flag, description, takesValue, choices }) => {
        const value = !takesValue
          ? ''
          : choices.length === 0
            ? ' -r'
            : ` -x -a ${quote(choices.join(' '))}`;
        return `complete -c posthorn ${at} -l ${flag.slice(2)}${value} -d ${quote(description)}`;
      }),
    ];
  });
  return `# fish completion for posthorn. Made by: posthorn completion fish
set -g __posthorn_paths ${paths.map(quote).join(' ')}
function __posthorn_at
  set -l path
  for word in (commandline -opc)[2..-1]
    set -l longer (string trim "$path $word")
    contains -- $longer $__posthorn_paths; and set path $longer
  end
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`;
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
