import type { Command } from 'commander';
import { type ExitCode, exitCodes } from '../exit.ts';
import type { Terminal } from '../terminal.ts';

type Shell = 'bash' | 'zsh' | 'fish';
type Entry = {
  readonly name: string;
  readonly description: string;
  readonly options: { flag: string; description: string }[];
};

/** Prints a script that completes commands and their options; made from the command tree, so it is never behind it. */
export function completion(shell: Shell, program: Command, terminal: Terminal): ExitCode {
  const entries = program
    .createHelp()
    .visibleCommands(program)
    .map((command) => ({
      name: command.name(),
      description: command.description(),
      options: command.options.flatMap((option) =>
        option.long ? [{ flag: option.long, description: option.description }] : [],
      ),
    }));
  terminal.out(scripts[shell](entries));
  return exitCodes.ok;
}

const flags = (entry: Entry) => entry.options.map((option) => option.flag).join(' ');
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

const scripts: Record<Shell, (entries: readonly Entry[]) => string> = {
  bash: (entries) => `_pipewright() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${entries.map((entry) => entry.name).join(' ')}"
  else
    case "\${COMP_WORDS[1]}" in
${entries.map((entry) => `      ${entry.name}) words="${flags(entry)}" ;;`).join('\n')}
    esac
    case "$current" in
      -*) ;;
      *) COMPREPLY=($(compgen -f -- "$current")); return ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o filenames -F _pipewright pipewright`,

  zsh: (entries) => `#compdef pipewright
_pipewright() {
  if (( CURRENT == 2 )); then
    local commands=(
${entries.map((entry) => `      ${quoted(`${entry.name}:${entry.description}`)}`).join('\n')}
    )
    _describe command commands
    return
  fi
  case "$words[2]" in
${entries.map((entry) => `    ${entry.name}) _arguments ${entry.options.map(({ flag, description }) => quoted(`${flag}[${description.replace(/[[\]:]/g, '\\$&')}]`)).join(' ')} '*:file:_files' ;;`).join('\n')}
  esac
}
compdef _pipewright pipewright`,

  fish: (entries) =>
    entries
      .flatMap((entry) => [
        `complete -c pipewright -n __fish_use_subcommand -f -a ${entry.name} -d ${quoted(entry.description)}`,
        ...entry.options.map(
          ({ flag, description }) =>
            `complete -c pipewright -n '__fish_seen_subcommand_from ${entry.name}' -l ${flag.slice(2)} -d ${quoted(description)}`,
        ),
      ])
      .join('\n'),
};
