import type { ExitCode } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';
import { tellRun } from './wait.ts';

export async function cancel(name: string, options: AskOptions, terminal: Terminal): Promise<ExitCode> {
  const client = await connect(options);
  const answer = await client.cancel(name);
  return tellRun(client, answer.run, { output: options.output }, terminal);
}
