/** Scripts by which shells complete commands and options, written from the command table. */
import type { Command } from 'commander';
import { write } from './output.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Entry {
  /** Such as `keys create`; empty for sluice itself. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly description: string }[];
  /** What may follow an option. */
  readonly values: readonly {
    readonly options: readonly string[];
    readonly choices: readonly string[];
  }[];
}

export async function printCompletion(shell: Shell, program: Command): Promise<void> {
  const entries = entriesOf(program, []);
  if (shell === 'fish') await write(fish(entries));
  else await write(shell === 'bash' ? bash(entries) : zsh(entries));
}

function entriesOf(command: Command, path: readonly string[]): Entry[] {
  const words = [
    ...command.commands.map(each => ({ word: each.name(), description: each.description() })),
    ...command.options.flatMap(({ long, description }) =>
      long === undefined || long === null ? [] : [{ word: long, description }],
    ),
    ...command.registeredArguments.flatMap(({ argChoices }) =>
      (argChoices ?? []).map(word => ({ word, description: '' })),
    ),
    { word: '--help', description: 'display help for command' },
  ];
  const values = command.options.flatMap(({ long, short, argChoices: choices }) =>
    choices === undefined ? [] : [{ options: [short, long].filter(isThere), choices }],
  );
  const beneath = command.commands.flatMap(each => entriesOf(each, [...path, each.name()]));
  return [{ path: path.join(' '), words, values }, ...beneath];
}

function isThere(name: string | undefined): name is string {
  return name !== undefined;
}

/** By path and the option before the cursor, what stands in its place. */
function valueCases(entries: readonly Entry[], then: (choices: readonly string[]) => string) {
  return entries
    .flatMap(({ path, values }) =>
      values.map(({ options, choices }) => {
        return `    ${options.map(option => `"${path} ${option}"`).join('|')}) ${then(choices)} ;;`;
      }),
    )
    .join('\n');
}

/** Words that are commands, up to the cursor, name the entry; files are completed as ever. */
function bash(entries: readonly Entry[]): string {
  const cases = entries.map(
    ({ path, words }) => `    "${path}") words="${words.map(({ word }) => word).join(' ')}" ;;`,
  );
  return `# bash completion of sluice: eval "$(sluice completion bash)"
_sluice() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${patternsOf(entries)}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  case "$path \${COMP_WORDS[COMP_CWORD-1]}" in
${valueCases(entries, choices => `words="${choices.join(' ')}"`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _sluice sluice
`;
}

function zsh(entries: readonly Entry[]): string {
  const cases = entries.map(({ path, words }) => {
    const described = words.map(
      ({ word, description }) => `'${escaped(word)}:${escaped(description)}'`,
    );
    return `    "${path}") words_=(${described.join(' ')}) ;;`;
  });
  return `#compdef sluice
# zsh completion of sluice: eval "$(sluice completion zsh)"
_sluice() {
  local path_="" word
  local -a words_
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${path_:+$path_ }$word" in
      ${patternsOf(entries)}) path_="\${path_:+$path_ }$word" ;;
    esac
  done
  case "$path_" in
${cases.join('\n')}
  esac
  case "$path_ \${words[CURRENT-1]}" in
${valueCases(entries, choices => `words_=(${choices.map(choice => `'${escaped(choice)}'`).join(' ')})`)}
  esac
  _describe 'sluice' words_
  _files
}
compdef _sluice sluice
`;
}

function patternsOf(entries: readonly Entry[]): string {
  return entries.flatMap(({ path }) => (path === '' ? [] : [`"${path}"`])).join('|');
}

/** For single quotes, where a colon parts a word from what it means. */
function escaped(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll(':', '\\:');
}

function fish(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ path, words, values }) => {
    const choicesOf = new Map(
      values.flatMap(({ options, choices }) => options.map(option => [option, choices])),
    );
    const beneath = entries.filter(other => other.path.startsWith(path === '' ? '' : `${path} `));
    const names = [...new Set(beneath.flatMap(other => other.path.split(' ').slice(-1)))];
    const seen = path.split(' ').map(word => `__fish_seen_subcommand_from ${word}`);
    const isHere = [
      ...(path === '' ? [] : seen),
      ...names.filter(Boolean).map(name => `not __fish_seen_subcommand_from ${name}`),
    ].join('; and ');
    return words.map(({ word, description }) => {
      const choices = choicesOf.get(word);
      const value = choices === undefined ? '' : ` -x -a '${choices.join(' ')}'`;
      const what = word.startsWith('--') ? `-l ${word.slice(2)}${value}` : `-a ${word}`;
      const condition = isHere === '' ? '' : ` -n '${isHere}'`;
      return `complete -c sluice${condition} ${what} -d '${description.replaceAll("'", "\\'")}'`;
    });
  });
  return `# fish completion of sluice: sluice completion fish | source\n${lines.join('\n')}\n`;
}
