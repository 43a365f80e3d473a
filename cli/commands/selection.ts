import { createInterface } from 'node:readline/promises';
import type { Client, RunSelector } from '../../controller/api/client.ts';
import { parseDuration } from '../../controller/manifests/duration.ts';
import type { RunSummary } from '../../schemas/generated/types.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit.ts';
import { counted } from '../format/amounts.ts';
import { phase } from '../format/phases.ts';
import { table } from '../format/table.ts';
import { relative } from '../format/times.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

/** How a command names runs by what they are. */
export type SelectOptions = AskOptions & {
  since?: string;
  pipeline?: string;
  reason?: string;
  phase?: string;
  dryRun?: boolean;
  yes?: boolean;
};

type Verb = {
  /** As in `would run again`. */
  readonly would: string;
  readonly done: string;
  readonly phase: string;
  readonly act: (client: Client, run: string) => Promise<object>;
};

/** True when an option of a selection is given. */
export function selects({ since, pipeline, reason, phase }: SelectOptions): boolean {
  return [since, pipeline, reason, phase].some((option) => option !== undefined);
}

/** Shows the runs that were meant, asks, and then makes a request for each: what one of them refuses hinders no other. */
export async function forSelected(verb: Verb, options: SelectOptions, terminal: Terminal): Promise<ExitCode> {
  const client = await connect(options);
  const { runs, more } = await client.selectRuns(selectorOf(options, verb, terminal));
  const json = options.output === 'json';
  if (options.dryRun || runs.length === 0) {
    if (json) terminal.json({ runs: runs.map(({ name }) => ({ run: name })), more });
    else tell(runs, more, verb, terminal);
    return exitCodes.ok;
  }
  if (!json) tell(runs, more, verb, terminal);
  if (!options.yes && !(await agreed(`${verb.done} ${counted(runs.length, 'run')}?`))) return exitCodes.failed;
  const results = [];
  for (const { name } of runs) results.push(await actOn(name, verb, client));
  if (json) terminal.json({ runs: results, more });
  else for (const result of results) terminal.out(line(result));
  return results.some((result) => 'error' in result) ? exitCodes.failed : exitCodes.ok;
}

type Result = { readonly of: string } & ({ readonly run?: string } | { readonly error: string; readonly code: string });

async function actOn(name: string, verb: Verb, client: Client): Promise<Result> {
  try {
    return { of: name, ...(await verb.act(client, name)) };
  } catch (error) {
    const { status, code, message } = error as Error & { status?: number | null; code?: string };
    // Nobody answers any more: the next would fail as well.
    if (status === undefined || status === null || status >= 500) throw error;
    return { of: name, error: message, code: code ?? 'refused' };
  }
}

function line(result: Result): string {
  if ('error' in result) return `${result.of}: ${result.error}`;
  return 'run' in result && result.run !== result.of ? `${result.of} → ${result.run}` : result.of;
}

function tell(runs: readonly RunSummary[], more: boolean, { would }: Verb, terminal: Terminal): void {
  const rows = runs.map((run) => [
    run.name,
    phase(run.phase, terminal.colors),
    relative(run.queuedAt, terminal.now()),
    run.reason ?? '',
  ]);
  if (rows.length > 0) terminal.out(table(['NAME', 'PHASE', 'QUEUED', 'REASON'], rows, terminal));
  terminal.error(
    `${counted(runs.length, 'run')} would ${would}.${more ? ' There are more; ask again after these.' : ''}`,
  );
}

function selectorOf(options: SelectOptions, verb: Verb, { now }: Terminal): RunSelector {
  const { since, pipeline, reason, phase } = options;
  return {
    phase: phase ?? verb.phase,
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(reason === undefined ? {} : { reason }),
    ...(since === undefined ? {} : { since: instantOf(since, now()) }),
  };
}

/** `2d` ago, or a date or instant. */
function instantOf(since: string, now: Date): string {
  const ago = parseDuration(since);
  const at = ago === undefined ? new Date(since) : new Date(now.getTime() - ago);
  if (!Number.isNaN(at.getTime())) return at.toISOString();
  throw new CommandError(
    exitCodes.unable,
    'bad-since',
    `--since ${since} is no time; write it as 2d, 12h or 2019-01-31`,
  );
}

async function agreed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new CommandError(
      exitCodes.unable,
      'not-confirmed',
      'nobody can be asked here; add --yes, or --dry-run to look',
    );
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
