import { pino } from 'pino';
import { drainRelease } from '../controller/drain.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { readJobsConfig } from './jobs-config.ts';
import type { Terminal } from './terminal.ts';

type DrainCommand = { readonly jobs: string; readonly deployment: string; readonly databaseUrl?: string };

/** What the chart runs before an uninstall. */
export async function drain(options: DrainCommand, terminal: Terminal): Promise<ExitCode> {
  const { jobs, deployment, databaseUrl } = options;
  const config = await readJobsConfig(jobs);
  const ended = await drainRelease({ config, deployment, databaseUrl, log: pino({ level: 'warn' }, process.stderr) });
  terminal.out(`${deployment} is stopped; ${ended} of its Jobs were ended`);
  return exitCodes.ok;
}
