import type { RerunRequest, RerunResult } from '../../schemas/generated/types.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { connect } from './connect.ts';
import { forSelected, type SelectOptions, selects } from './selection.ts';
import { tellRun } from './wait.ts';

type Options = SelectOptions & { from?: string; version?: 'head' | 'original'; wait?: boolean };

/** Runs one run again, or those that a selection finds. */
export async function rerun(name: string | undefined, options: Options, terminal: Terminal): Promise<ExitCode> {
  const { from, version, output, wait } = options;
  const how: RerunRequest = { ...(from === undefined ? {} : { from }), ...(version === undefined ? {} : { version }) };
  if (name === undefined) {
    if (!selects(options)) throw nothingNamed('rerun');
    const act = { would: 'run again', done: 'Rerun', phase: 'Failed' };
    return forSelected({ ...act, act: (client, run) => client.rerun(run, how) }, options, terminal);
  }
  if (selects(options)) throw bothNamed();
  const client = await connect(options);
  const answer = await client.rerun(name, how);
  for (const line of planLines(answer)) terminal.error(line);
  return tellRun(client, answer.run, { output, ...(wait && { wait }) }, terminal, answer);
}

export function nothingNamed(command: string): CommandError {
  return new CommandError(
    exitCodes.unable,
    'usage',
    `${command}: name a run, or select runs with --since, --pipeline, --reason or --phase`,
  );
}

export function bothNamed(): CommandError {
  return new CommandError(exitCodes.unable, 'usage', 'a run is named and runs are selected too; leave out one of them');
}

// A controller of an earlier release says neither.
function planLines({ taken = [], again = [] }: Partial<RerunResult>): string[] {
  return [
    ...(taken.length > 0 ? [`taken over: ${taken.join(', ')}`] : []),
    ...again.map(({ task, why }) => `task ${task} runs again: ${why}`),
  ];
}
