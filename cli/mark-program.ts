import { type Command, Option } from 'commander';
import type { Asking, Settle } from './program.ts';
import type { Terminal } from './terminal.ts';

/** `mark`. `asking` adds what every command has that asks a controller. */
export function addMarkCommand(program: Command, terminal: Terminal, settle: Settle, asking: Asking): void {
  const mark = program
    .command('mark')
    .description(
      'Mark a window, or a range of windows, as succeeded or skipped by hand. No run is touched, and a rerun stays possible.',
    )
    .argument('<pipeline>', 'name of the pipeline')
    .argument('[window]', 'start of the window, as in 2019-01 or 2019-01-31')
    .addOption(
      new Option('--as <what>', 'what it is to count as').choices(['succeeded', 'skipped']).makeOptionMandatory(),
    )
    .requiredOption('--note <text>', 'why; it is shown with the window')
    .option('--from <start>', 'instead of a window: the first one begins at or after it')
    .option('--to <end>', 'with --from: no window crosses it');
  asking(mark, [
    'pipewright mark taxi 2019-01 --as succeeded --note "loaded by hand"',
    'pipewright mark taxi --from 2020-03 --to 2020-06 --as skipped --note "no taxis ran"',
  ]).action(async (pipeline: string, window: string | undefined, options) =>
    settle(await (await import('./commands/mark.ts')).mark(pipeline, window, options, terminal)),
  );
}
