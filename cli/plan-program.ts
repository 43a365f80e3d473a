import { type Command, Option } from 'commander';
import { contextOption, envOption, examples, namespaceOption } from './options.ts';
import { planFormats } from './plan/formats.ts';
import type { ProgramName, Settle } from './program.ts';
import type { Terminal } from './terminal.ts';

/** `plan` */
export function addPlan(program: Command, terminal: Terminal, settle: Settle): void {
  const command = program.command('plan');
  command
    .description('Show what a change of the manifests would change: pipelines, windows, tables, rights.')
    .option('--base <ref>', 'branch, tag or commit that the change is for; by default the one that is checked out')
    .option('--head <ref>', 'branch, tag or commit with the change; by default the files as they lie in the folder')
    .option('--path <folder>', 'folder with manifests', 'pipelines')
    .addOption(envOption())
    .addOption(contextOption())
    .addOption(namespaceOption())
    .option(
      '--comment <url>',
      'leave it as one comment on the pull request at this address too, with the token from PIPEWRIGHT_FORGE_TOKEN',
    )
    .option('--forge-api <url>', 'with --comment: API of a forge that has it at an unusual place')
    .addOption(new Option('-o, --output <format>', 'form of what is printed').choices(planFormats).default('text'))
    .addHelpText(
      'after',
      examples([
        'pipewright plan',
        'pipewright plan --base origin/main --head HEAD',
        'pipewright plan --env production --context prod',
        'pipewright plan --base origin/main --head HEAD --output markdown > comment.md',
        'pipewright plan --base origin/main --head HEAD --comment https://git.example.org/data/pipelines/pulls/7',
      ]),
    )
    .addHelpText('after', '\nExit codes: 0 nothing changes, 1 problems or could not look, 2 changes.')
    .action(async (options) => settle(await (await import('./commands/plan.ts')).plan(options, terminal)));
  const plugin: ProgramName = 'kubectl pipewright';
  if (program.name() !== plugin) {
    // Unlike elsewhere it has no default: a plan needs no controller.
    command.option(
      '--server <url>',
      'add what only this controller knows: windows that have run, active runs, how long they take, backfills',
    );
  }
}
