import { Command, InvalidArgumentError, Option } from 'commander';
import type { ExitCode } from './exit.ts';
import type { OutputFormat, Terminal } from './terminal.ts';

const runPhases = ['Queued', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Skipped'];

export type Settle = (code: ExitCode) => void;

const version = '0.1.0';
const readExit =
  'Exit codes: 0 done, 1 there is no such thing or it was refused, 2 wrong usage or no controller answers.';

/**
 * The command tree. Every command's code is imported when it is called: the time that `--help` or `run --local` takes to
 * start is what people feel.
 */
export function createProgram(terminal: Terminal, settle: Settle): Command {
  const program = new Command('pipewright')
    .description('Declarative GitOps pipelines: manifests in, one run per due window, the truth in Postgres.')
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      examples(['pipewright validate', 'pipewright start', 'pipewright run taxi --local', 'pipewright runs']),
    );
  addFolderCommands(program, terminal, settle);
  addRunCommand(program, terminal, settle);
  addListCommands(program, terminal, settle);
  addRunReadingCommands(program, terminal, settle);
  addRequestCommands(program, terminal, settle);
  addCompletion(program, terminal, settle);
  return program;
}

function addFolderCommands(program: Command, terminal: Terminal, settle: Settle): void {
  program
    .command('validate')
    .description('Check the manifests of a folder and print every problem with its place.')
    .argument('[dir]', 'folder with manifests', 'pipelines')
    .addOption(outputOption())
    .addHelpText('after', examples(['pipewright validate', 'pipewright validate my-pipelines --output json']))
    .addHelpText('after', '\nExit codes: 0 good, 1 problems, 2 could not look.')
    .action(async (dir: string, options) =>
      settle(await (await import('./commands/validate.ts')).validate(dir, options, terminal)),
    );
  program
    .command('start')
    .description('Run the controller: watch a folder, run what is due, serve the API on 127.0.0.1.')
    .addOption(dirOption())
    .addOption(homeOption())
    .option('--port <port>', 'port of the API', integer(0, 65_535), 6789)
    .addOption(
      new Option('--database-url <url>', 'Postgres to keep the ledger in, instead of an embedded one').env(
        'DATABASE_URL',
      ),
    )
    .option(
      '--allow-env <name>',
      'environment variable that connections may read besides POSTGRES_*; may be repeated',
      collect,
      [],
    )
    .option('--max-processes <n>', 'how many tasks may run at once', integer(1, 1000))
    .option('--jobs <file>', 'run tasks as Kubernetes Jobs, as this file says, and let other replicas do the same')
    .addOption(outputOption('log as text or as JSON lines'))
    .addHelpText(
      'after',
      examples([
        'pipewright start',
        'pipewright start --dir my-pipelines --port 7000',
        'pipewright start --allow-env TAXI_BASE_URL',
      ]),
    )
    .addHelpText(
      'after',
      '\nCtrl-C stops it cleanly; a second one leaves at once.\nExit codes: 0 stopped by a signal, 2 could not start or go on.',
    )
    .action(async (options) => settle(await (await import('./start.ts')).start(options, terminal)));
}

function addRunCommand(program: Command, terminal: Terminal, settle: Settle): void {
  program
    .command('run')
    .description('Run a pipeline: through the controller, or with --local in the foreground.')
    .argument('<pipeline>', 'name of the pipeline')
    .option(
      '--window <start>',
      'start of the window, as in 2019-01, 2019-01-31 or 2019-01-31T06:00; by default the latest closed one',
    )
    .option('--var <name=value>', 'value of a variable; may be repeated', collectVariables, {})
    .option('--wait', 'wait until the run has ended')
    .option('--local', 'run here and now, without a controller and without a trace in its ledger')
    .addOption(dirOption('with --local: folder with manifests'))
    .addOption(homeOption('with --local: where secrets and the warehouse of `start` are looked up'))
    .addOption(serverOption())
    .addOption(contextOption())
    .addOption(namespaceOption())
    .addOption(outputOption())
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
    .description('List the windows of a pipeline, newest first.')
    .argument('<pipeline>', 'name of the pipeline')
    .option('--limit <n>', 'how many', integer(1, 100_000), 100);
  asking(windows, ['pipewright windows taxi', 'pipewright windows taxi --limit 12']).action(
    async (pipeline: string, options) =>
      settle(await (await import('./commands/windows.ts')).windows(pipeline, options, terminal)),
  );
}

function addRunReadingCommands(program: Command, terminal: Terminal, settle: Settle): void {
  const show = program
    .command('show')
    .description('Show a run: tasks, attempts, blocks with rows and time, checks, errors, and a sample of the rows.')
    .argument('<run>', 'name of the run');
  asking(show, ['pipewright show taxi-2019-01', 'pipewright show taxi-2019-01 --output json']).action(
    async (name: string, options) => settle(await (await import('./commands/show.ts')).show(name, options, terminal)),
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

function addRequestCommands(program: Command, terminal: Terminal, settle: Settle): void {
  const rerun = program
    .command('rerun')
    .description('Run the window of a run again, on the current version.')
    .argument('<run>', 'name of the run')
    .option('--wait', 'wait until the new run has ended; exit code 1 when it failed');
  asking(rerun, ['pipewright rerun taxi-2019-01', 'pipewright rerun taxi-2019-01 --wait']).action(
    async (name: string, options) => settle(await (await import('./commands/rerun.ts')).rerun(name, options, terminal)),
  );
  const cancel = program
    .command('cancel')
    .description('Stop a run that is queued or running.')
    .argument('<run>', 'name of the run');
  asking(cancel, ['pipewright cancel taxi-2019-01']).action(async (name: string, options) =>
    settle(await (await import('./commands/cancel.ts')).cancel(name, options, terminal)),
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
  return command
    .addOption(serverOption())
    .addOption(contextOption())
    .addOption(namespaceOption())
    .addOption(outputOption())
    .addHelpText('after', examples(lines))
    .addHelpText('after', `\n${readExit}`);
}

const serverOption = () =>
  new Option('--server <url>', 'URL of the controller').env('PIPEWRIGHT_SERVER').default('http://127.0.0.1:6789');
const contextOption = () =>
  new Option('--context <name>', 'context of the kubeconfig: ask the controller in that cluster instead of --server');
const namespaceOption = () =>
  new Option('--namespace <name>', 'with a cluster: namespace of the controller; by default that of the context');
const dirOption = (description = 'folder with manifests') =>
  new Option('--dir <dir>', description).default('pipelines');
const homeOption = (description = 'folder for all that the controller keeps') =>
  new Option('--home <dir>', description).default('.pipewright');

function outputOption(description = 'form of what is printed'): Option {
  const formats: OutputFormat[] = ['text', 'json'];
  return new Option('-o, --output <format>', description).choices(formats).default('text');
}

function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

function integer(min: number, max: number) {
  return (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, ...value.split(',').filter(Boolean)];
}

function collectVariables(text: string, before: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write it as name=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
