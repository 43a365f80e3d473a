import { Command, Option } from 'commander';
import { addBackfillCommands } from './backfill-program.ts';
import type { ExitCode } from './exit.ts';
import { addSourceOptions } from './git-options.ts';
import { addMarkCommand } from './mark-program.ts';
import {
  collect,
  collectVariables,
  contextOption,
  databaseOption,
  dirOption,
  envOption,
  examples,
  homeOption,
  integer,
  namespaceOption,
  outputOption,
  retainOption,
  serverOption,
} from './options.ts';
import { addPlan } from './plan-program.ts';
import { addPoolsCommand } from './pools-program.ts';
import { addRecoveryCommands } from './recovery-program.ts';
import { addSourcesCommand } from './sources-program.ts';
import type { Terminal } from './terminal.ts';

const runPhases = ['Queued', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Skipped'];

/** As a plugin of kubectl it asks the controller of the current context, and no other. */
export type ProgramName = 'pipewright' | 'kubectl pipewright';

export type Settle = (code: ExitCode) => void;
/** Adds what every command has that asks a controller, and examples. */
export type Asking = (command: Command, examples: readonly string[]) => Command;

const version = '0.1.0';
const readExit =
  'Exit codes: 0 done, 1 there is no such thing or it was refused, 2 wrong usage or no controller answers.';

/**
 * The command tree. Every command's code is imported when it is called: the time that `--help` or `run --local` takes to
 * start is what people feel.
 */
export function createProgram(terminal: Terminal, settle: Settle, name: ProgramName = 'pipewright'): Command {
  const program = new Command(name)
    .configureOutput({
      // Every example is written down as one of `pipewright`.
      writeOut: (text) => void process.stdout.write(text.replaceAll(/^ {2}pipewright(?= )/gm, `  ${name}`)),
    })
    .description('Declarative GitOps pipelines: manifests in, one run per due window, the truth in Postgres.')
    .version(version)
    // After a command its own options count: `rerun RUN --version original` is not a question for this program's version.
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      examples(['pipewright validate', 'pipewright start', 'pipewright run taxi --local', 'pipewright runs']),
    );
  addValidate(program, terminal, settle);
  addPlan(program, terminal, settle);
  addStart(program, terminal, settle);
  addDrain(program, terminal, settle);
  addRunCommand(program, terminal, settle);
  addListCommands(program, terminal, settle);
  addRunReadingCommands(program, terminal, settle);
  addRecoveryCommands(program, terminal, settle, asking);
  addBackfillCommands(program, terminal, settle, asking);
  addMarkCommand(program, terminal, settle, asking);
  addPoolsCommand(program, terminal, settle, asking);
  addSourcesCommand(program, terminal, settle, asking);
  addCompletion(program, terminal, settle);
  return program;
}

function addValidate(program: Command, terminal: Terminal, settle: Settle): void {
  program
    .command('validate')
    .description('Check the manifests of a folder and print every problem with its place.')
    .argument('[dir]', 'folder with manifests', 'pipelines')
    .addOption(envOption())
    .option('--jobs <file>', 'judge them by the file of `start --jobs` too: policy and artifacts of a cluster')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples([
        'pipewright validate',
        'pipewright validate my-pipelines --output json',
        'pipewright validate --env production --jobs jobs.yaml',
      ]),
    )
    .addHelpText('after', '\nExit codes: 0 good, 1 problems, 2 could not look.')
    .action(async (dir: string, options) =>
      settle(await (await import('./commands/validate.ts')).validate(dir, options, terminal)),
    );
}

function addStart(program: Command, terminal: Terminal, settle: Settle): void {
  addSourceOptions(program.command('start'))
    .description(
      'Run the controller: follow folders and Git repositories, run what is due, serve the API on 127.0.0.1.',
    )
    .addOption(homeOption())
    .option('--port <port>', 'port of the API', integer(0, 65_535), 6789)
    .addOption(databaseOption())
    .option(
      '--allow-env <name>',
      'environment variable that connections may read, those of a folder besides POSTGRES_*; may be repeated',
      collect,
      [],
    )
    .option('--max-processes <n>', 'how many tasks may run at once', integer(1, 1000))
    .option('--max-active-runs <n>', 'how many runs of all pipelines may run at once', integer(1, 100_000))
    .option('--max-active-runs-per-source <n>', 'how many runs of each source may run at once', integer(1, 100_000))
    .addOption(retainOption('--retain-runs <age>', 'runs stay for so long …', '400d'))
    .option('--retain-per-pipeline <n>', '… and of each pipeline so many of the newest', integer(1, 1_000_000), 1000)
    .addOption(retainOption('--retain-logs <age>', 'logs stay for so long, and what tasks handed to each other', '30d'))
    .addOption(
      retainOption('--retain-windows <age>', 'windows stay for so long, and while their runs do; by default for ever'),
    )
    .option('--jobs <file>', 'run tasks as Kubernetes Jobs, as this file says, and let other replicas do the same')
    .addOption(outputOption('log as text or as JSON lines'))
    .addHelpText(
      'after',
      examples([
        'pipewright start',
        'pipewright start --dir my-pipelines --port 7000',
        'pipewright start --allow-env TAXI_BASE_URL',
        'pipewright start --git https://git.example.org/data/pipelines --branch main --poll 30',
        'pipewright start --source team-a.yaml --source team-b.yaml',
      ]),
    )
    .addHelpText(
      'after',
      '\nCtrl-C stops it cleanly; a second one leaves at once.\nExit codes: 0 stopped by a signal, 2 could not start or go on.',
    )
    .action(async (options) => settle(await (await import('./start.ts')).start(options, terminal)));
}

function addDrain(program: Command, terminal: Terminal, settle: Settle): void {
  program
    // For the chart, and not for people.
    .command('drain', { hidden: true })
    .description('Stop the controllers of a release and end its Jobs, before an uninstall.')
    .requiredOption('--jobs <file>', 'the file of `start --jobs`')
    .requiredOption('--deployment <name>', 'the controllers, in the namespace that the file names as `resources`')
    .addOption(databaseOption())
    .addHelpText('after', examples(['pipewright drain --jobs /etc/pipewright/jobs.yaml --deployment pipewright']))
    .addHelpText('after', '\nExit codes: 0 nothing of it runs any more, 2 something still does, or nobody could look.')
    .action(async (options) => settle(await (await import('./drain.ts')).drain(options, terminal)));
}

function addRunCommand(program: Command, terminal: Terminal, settle: Settle): void {
  reaching(program.command('run'))
    .description('Run a pipeline: through the controller, or with --local in the foreground.')
    .argument('<pipeline>', 'name of the pipeline')
    .option(
      '--window <start>',
      'start of the window, as in 2019-01, 2019-01-31 or 2019-01-31T06:00; by default the latest closed one',
    )
    .option('--var <name=value>', 'value of a variable; may be repeated', collectVariables, {})
    .option('--priority <n>', 'among runs that wait; by default that of the pipeline', integer(-1000, 1000))
    .option('--wait', 'wait until the run has ended')
    .option('--local', 'run here and now, without a controller and without a trace in its ledger')
    .addOption(dirOption('with --local: folder with manifests'))
    .addOption(envOption('with --local: environment whose overlay applies'))
    .addOption(homeOption('with --local: where secrets and the warehouse of `start` are looked up'))
    .addHelpText(
      'after',
      examples([
        'pipewright run taxi --window 2019-01',
        'pipewright run taxi --var limit=10 --wait',
        'pipewright run taxi --local',
      ]),
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 the run failed or was refused, 2 wrong usage or no controller answers.',
    )
    .action(async (pipeline: string, options) => {
      const command = options.local ? (await import('./local.ts')).runLocal : (await import('./commands/run.ts')).run;
      settle(await command(pipeline, options, terminal));
    });
}

function addListCommands(program: Command, terminal: Terminal, settle: Settle): void {
  const pipelines = program
    .command('pipelines')
    .description('List the pipelines, what they did last, and the problems of the last sync.');
  asking(pipelines, ['pipewright pipelines', 'pipewright pipelines --output json']).action(async (options) =>
    settle(await (await import('./commands/pipelines.ts')).pipelines(options, terminal)),
  );
  const runs = program
    .command('runs')
    .description('List the newest runs.')
    .option('--limit <n>', 'how many', integer(1, 100_000), 100)
    .option('--pipeline <name>', 'only of this pipeline')
    .addOption(new Option('--phase <phase>', 'only in this phase').choices(runPhases));
  asking(runs, [
    'pipewright runs',
    'pipewright runs --pipeline taxi --phase Failed',
    'pipewright runs --limit 20 --output json',
  ]).action(async (options) => settle(await (await import('./commands/runs.ts')).runs(options, terminal)));
  const windows = program
    .command('windows')
    .description('List the windows of a pipeline: the newest of the ledger, or all of a span, also those to come.')
    .argument('<pipeline>', 'name of the pipeline')
    .option('--from <start>', 'windows that begin at or after it: 2019, 2019-01, 2019-01-31, 2019-01-31T06:00')
    .option('--to <end>', 'with --from: and before it; by default a year later')
    .option('--grid', 'with --from: a sign for each window, a line for each day, month or year')
    .option('--limit <n>', 'how many', integer(1, 100_000));
  asking(windows, [
    'pipewright windows taxi',
    'pipewright windows taxi --limit 12',
    'pipewright windows taxi --from 2019 --to 2021 --grid',
  ]).action(async (pipeline: string, options) =>
    settle(await (await import('./commands/windows.ts')).windows(pipeline, options, terminal)),
  );
}

function addRunReadingCommands(program: Command, terminal: Terminal, settle: Settle): void {
  const show = program
    .command('show')
    .description(
      'Show a run: tasks, attempts, blocks with rows and time, checks, errors, and a sample of the rows; or what the last runs of a pipeline used in a cluster, and requests that would fit.',
    )
    .argument('<name>', 'name of the run, or of a pipeline')
    .option('--manifest', 'print what it was made of instead: its manifest and what that uses, as people wrote them')
    .option('--diff', 'of a run: print how that differs from today’s');
  asking(show, [
    'pipewright show taxi-2019-01',
    'pipewright show taxi-2019-01 --output json',
    'pipewright show taxi-2019-01 --manifest',
    'pipewright show taxi-2019-01 --diff',
    'pipewright show taxi',
  ]).action(async (name: string, options) =>
    settle(await (await import('./commands/show.ts')).show(name, options, terminal)),
  );
  const logs = program
    .command('logs')
    .description('Print the log of a run.')
    .argument('<run>', 'name of the run')
    .option('-f, --follow', 'go on until the run has ended');
  asking(logs, ['pipewright logs taxi-2019-01', 'pipewright logs taxi-2019-01 -f']).action(
    async (name: string, options) => settle(await (await import('./commands/logs.ts')).logs(name, options, terminal)),
  );
}

function addCompletion(program: Command, terminal: Terminal, settle: Settle): void {
  const example = 'pipewright completion bash > ~/.local/share/bash-completion/completions/pipewright';
  program
    .command('completion')
    .description('Print a completion script for a shell.')
    .addArgument(program.createArgument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      examples([example, 'pipewright completion fish > ~/.config/fish/completions/pipewright.fish']),
    )
    .action(async (shell: 'bash' | 'zsh' | 'fish') =>
      settle((await import('./commands/completion.ts')).completion(shell, program, terminal)),
    );
}

/** A command that asks the controller. */
function asking(command: Command, lines: readonly string[]): Command {
  return reaching(command).addHelpText('after', examples(lines)).addHelpText('after', `\n${readExit}`);
}

/** With the options that say which controller is asked, and how its answer is printed. */
function reaching(command: Command): Command {
  const plugin: ProgramName = 'kubectl pipewright';
  if (command.parent?.name() !== plugin) command.addOption(serverOption());
  return command.addOption(contextOption()).addOption(namespaceOption()).addOption(outputOption());
}
