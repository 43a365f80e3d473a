import { type Command, Option } from 'commander';
import { examples } from './options.ts';
import { planFormats } from './plan/formats.ts';
import type { Settle } from './program.ts';
import type { Terminal } from './terminal.ts';

/** `plan` */
export function addPlan(program: Command, terminal: Terminal, settle: Settle): void {
  program
    .command('plan')
    .description('Show what a change of the manifests would change: pipelines, windows, tables, rights.')
    .option('--base <ref>', 'branch, tag or commit that the change is for; by default the one that is checked out')
    .option('--head <ref>', 'branch, tag or commit with the change; by default the files as they lie in the folder')
    .option('--path <folder>', 'folder with manifests', 'pipelines')
    .addOption(new Option('-o, --output <format>', 'form of what is printed').choices(planFormats).default('text'))
    .addHelpText(
      'after',
      examples([
        'pipewright plan',
        'pipewright plan --base origin/main --head HEAD',
        'pipewright plan --base origin/main --head HEAD --output markdown > comment.md',
      ]),
    )
    .addHelpText('after', '\nExit codes: 0 nothing changes, 1 problems or could not look, 2 changes.')
    .action(async (options) => settle(await (await import('./commands/plan.ts')).plan(options, terminal)));
}
