import type { ExitCode } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';
import { tellRun } from './wait.ts';

export async function rerun(
  name: string,
  options: AskOptions & { wait?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const client = await connect(options);
  const answer = await client.rerun(name);
  return tellRun(client, answer.run, options, terminal);
}
