import type { Command, Option } from 'commander';
import { type ExitCode, exitCodes } from '../exit.ts';
import type { Terminal } from '../terminal.ts';

type Candidate = { readonly word: string; readonly description: string };

/** What kubectl's completion does with the answer; numbers of its library, Cobra. */
const directives = { files: 0, noFiles: 4 };

/**
 * Answers kubectl, which completes a plugin by asking: `words` are what was typed after the plugin's name, the last one perhaps
 * begun. A line per candidate (`WORD<tab>DESCRIPTION`), then `:DIRECTIVE`.
 */
export function complete(words: readonly string[], program: Command, terminal: Terminal): ExitCode {
  const [begun = '', ...before] = [...words].reverse();
  const { candidates, directive } = candidatesFor(before.reverse(), begun, program);
  const fitting = candidates.filter(({ word }) => word.startsWith(begun));
  terminal.out([...fitting.map(({ word, description }) => `${word}\t${description}`), `:${directive}`].join('\n'));
  return exitCodes.ok;
}

function candidatesFor(before: readonly string[], begun: string, program: Command) {
  const visible = program.createHelp().visibleCommands(program);
  const [name] = before;
  if (name === undefined) {
    const candidates = visible.map((command) => ({ word: command.name(), description: command.description() }));
    return { candidates, directive: directives.noFiles };
  }
  const command = visible.find((each) => each.name() === name);
  if (!command) return { candidates: [], directive: directives.noFiles };
  const last = command.options.find(({ short, long }) => [short, long].includes(before.at(-1)));
  if (last && takesValue(last)) return valuesOf(last);
  if (begun.startsWith('-')) return { candidates: command.options.flatMap(longForm), directive: directives.noFiles };
  const [argument] = command.registeredArguments;
  const choices = argument?.argChoices?.map((word) => ({ word, description: '' }));
  return { candidates: choices ?? [], directive: choices ? directives.noFiles : directives.files };
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

function valuesOf({ argChoices }: Option): { candidates: Candidate[]; directive: number } {
  if (!argChoices) return { candidates: [], directive: directives.files };
  return { candidates: argChoices.map((word) => ({ word, description: '' })), directive: directives.noFiles };
}

function longForm({ long, description }: Option): Candidate[] {
  return long ? [{ word: long, description }] : [];
}
