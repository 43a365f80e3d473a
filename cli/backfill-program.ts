import { type Command, Option } from 'commander';
import { collectVariables, integer } from './options.ts';
import type { Asking, Settle } from './program.ts';
import type { Terminal } from './terminal.ts';

/** `backfill` and `backfills`. `asking` adds what every command has that asks a controller. */
export function addBackfillCommands(program: Command, terminal: Terminal, settle: Settle, asking: Asking): void {
  const backfill = program
    .command('backfill')
    .description('Run a range of windows of a pipeline.')
    .argument('<pipeline>', 'name of the pipeline')
    .requiredOption('--from <start>', 'the first window begins at or after it: 2019, 2019-01, 2019-01-31')
    .requiredOption('--to <end>', 'no window crosses it; so it is exclusive')
    .addOption(new Option('--rerun <which>', 'which windows').choices(['missing', 'failed', 'stale', 'all']))
    .addOption(new Option('--order <order>', 'which come first').choices(['oldest', 'newest']))
    .option(
      '--max-active-runs <n>',
      'places of its own; without it its runs take those of the pipeline',
      integer(1, 1000),
    )
    .option('--priority <n>', 'of its runs, added to that of the pipeline; -100 by default', integer(-1000, 1000))
    .addOption(new Option('--version <version>', 'which version runs').choices(['head', 'original']))
    .option('--var <name=value>', 'value of a variable; may be repeated', collectVariables, {})
    .option('--name <name>', 'its name; PIPELINE-b1 and so on by default')
    .option('--dependents', 'also run the range of all pipelines that wait for this one, after it')
    .option('--dry-run', 'only show which windows would run')
    .option('--wait', 'wait until it has ended; exit code 1 when not all succeeded');
  asking(backfill, [
    'pipewright backfill taxi --from 2019 --to 2021 --dry-run',
    'pipewright backfill taxi --from 2019 --to 2021 --max-active-runs 4',
    'pipewright backfill taxi --from 2019-06 --to 2019-09 --rerun all --order newest --wait',
    'pipewright backfill taxi --from 2019 --to 2020 --rerun all --dependents --dry-run',
  ]).action(async (pipeline: string, options) =>
    settle(await (await import('./commands/backfill.ts')).backfill(pipeline, options, terminal)),
  );
  addBackfills(program, terminal, settle, asking);
}

function addBackfills(program: Command, terminal: Terminal, settle: Settle, asking: Asking): void {
  const backfills = program
    .command('backfills')
    .description('List backfills and how far they are, or change one.')
    .argument('[backfill]', 'name of the one to show or change')
    .option('--pipeline <name>', 'only of this pipeline')
    .addOption(
      new Option('--suspend', 'queue nothing more of it; what runs goes on').conflicts(['resume', 'cancel', 'retry']),
    )
    .addOption(new Option('--resume', 'go on with it').conflicts(['cancel', 'retry']))
    .addOption(new Option('--cancel', 'end it: what is queued is cancelled, what runs goes on').conflicts('retry'))
    .option('--retry', 'run its windows again that failed or were cancelled')
    .option('--max-active-runs <n>', 'from now on so many places of its own', integer(1, 1000))
    .option('--priority <n>', 'from now on so much, also of what it has queued', integer(-1000, 1000))
    .option('--windows', 'show its windows, with the run and the version that each one got');
  asking(backfills, [
    'pipewright backfills',
    'pipewright backfills taxi-b3 --max-active-runs 8',
    'pipewright backfills taxi-b3 --windows',
    'pipewright backfills taxi-b3 --cancel',
  ]).action(async (name: string | undefined, options) =>
    settle(await (await import('./commands/backfills.ts')).backfills(name, options, terminal)),
  );
}
