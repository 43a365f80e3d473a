import { type Command, Option } from 'commander';
import type { Asking, Settle } from './program.ts';
import type { Terminal } from './terminal.ts';

/** `rerun` and `cancel`: of one run, or of those that a selection finds. */
export function addRecoveryCommands(program: Command, terminal: Terminal, settle: Settle, asking: Asking): void {
  const rerun = program
    .command('rerun')
    .description('Run a run again, or all that a selection finds: whole, or from a task on. It stays the same window.')
    .argument('[run]', 'name of the run')
    .option('--from <task>', 'start (default), failed: what has not succeeded, or a task: it and all downstream of it')
    .addOption(
      new Option('--version <version>', 'of the pipeline: today’s (default), or the run’s').choices([
        'head',
        'original',
      ]),
    );
  selecting(rerun, ['Failed', 'Cancelled', 'Succeeded', 'Skipped']).option(
    '--wait',
    'with a run: wait until the new run has ended; exit code 1 when it failed',
  );
  asking(rerun, [
    'pipewright rerun taxi-2019-01 --wait',
    'pipewright rerun taxi-2019-01 --from failed',
    "pipewright rerun --since 2d --pipeline 'taxi-*' --reason OutOfMemory --dry-run",
  ]).action(async (name: string | undefined, options) =>
    settle(await (await import('./commands/rerun.ts')).rerun(name, options, terminal)),
  );
  const cancel = program
    .command('cancel')
    .description('Stop a run that is queued or running, or all that a selection finds.')
    .argument('[run]', 'name of the run');
  asking(selecting(cancel, ['Queued', 'Running']), [
    'pipewright cancel taxi-2019-01',
    "pipewright cancel --pipeline 'taxi-*' --phase Queued --yes",
  ]).action(async (name: string | undefined, options) =>
    settle(await (await import('./commands/cancel.ts')).cancel(name, options, terminal)),
  );
}

function selecting(command: Command, phases: readonly string[]): Command {
  return command
    .option('--since <time>', 'without a run: those queued since then, as 2d, 12h or 2019-01-31')
    .option('--pipeline <name>', 'without a run: those of this pipeline; * stands for any text')
    .option('--reason <reason>', 'without a run: those with this reason, as OutOfMemory')
    .addOption(new Option('--phase <phase>', 'without a run: those in this phase').choices(phases))
    .option('--dry-run', 'only show which they are')
    .option('-y, --yes', 'do not ask');
}
