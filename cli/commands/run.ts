import type { ExitCode } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';
import { tellRun } from './wait.ts';

type RunOptions = AskOptions & { window?: string; var: Record<string, string>; priority?: number; wait?: boolean };

/** Asks the controller for a run. Values are sent as text; the controller converts them to their declared types. */
export async function run(pipeline: string, options: RunOptions, terminal: Terminal): Promise<ExitCode> {
  const client = await connect(options);
  const window = options.window === undefined ? {} : { window: options.window };
  const priority = options.priority === undefined ? {} : { priority: options.priority };
  const answer = await client.startRun({ pipeline, variables: options.var, ...window, ...priority });
  return tellRun(client, answer.run, options, terminal);
}
