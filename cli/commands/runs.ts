import type { Client } from '../../controller/api/client.ts';
import type { RunSummary } from '../../schemas/generated/types.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { phase } from '../format/phases.ts';
import { table } from '../format/table.ts';
import { duration, relative } from '../format/times.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

/** The API gives at most this many at once. */
const largestPage = 1000;

type RunsOptions = AskOptions & { limit: number; pipeline?: string; phase?: string };

export async function runs(options: RunsOptions, terminal: Terminal): Promise<ExitCode> {
  const found = await readRuns(await connect(options), options);
  if (options.output === 'json') terminal.json({ runs: found.map(runJson) });
  else if (found.length === 0) terminal.out('There are no such runs.');
  else
    terminal.out(
      table(
        header,
        found.map((run) => row(run, terminal)),
        terminal,
      ),
    );
  return exitCodes.ok;
}

async function readRuns(client: Client, { limit, pipeline, phase }: RunsOptions): Promise<RunSummary[]> {
  const found: RunSummary[] = [];
  const filter = { ...(pipeline === undefined ? {} : { pipeline }), ...(phase === undefined ? {} : { phase }) };
  let before: string | null | undefined;
  while (found.length < limit && before !== null) {
    const wanted = Math.min(largestPage, limit - found.length);
    const page = await client.runs({ ...filter, limit: wanted, ...(before === undefined ? {} : { before }) });
    found.push(...page.runs);
    before = page.next;
  }
  return found;
}

/** The fields that `--output json` promises. */
function runJson({ name, pipeline, window, phase, trigger, runNo, startedAt, finishedAt, reason }: RunSummary) {
  return { name, pipeline, window, phase, trigger, runNo, startedAt, finishedAt, reason };
}

const header = ['NAME', 'PHASE', 'QUEUED', 'TOOK', 'TRIGGER', 'REASON'];

function row(run: RunSummary, { colors, now }: Terminal): string[] {
  return [
    run.name,
    phase(run.phase, colors),
    relative(run.queuedAt, now()),
    took(run, now()),
    run.trigger,
    run.reason ?? '',
  ];
}

/** From the launch of the first task to the end, or to now. */
export function took({ startedAt, finishedAt }: Pick<RunSummary, 'startedAt' | 'finishedAt'>, now: Date): string {
  if (startedAt === null) return '';
  const end = finishedAt === null ? now.getTime() : Date.parse(finishedAt);
  return duration(Math.max(0, end - Date.parse(startedAt)));
}
