import type { Client } from '../../controller/api/client.ts';
import type {
  AttemptDetail,
  PipelineUsage,
  RunDetail,
  Sample,
  TaskDetail,
  TaskReport,
} from '../../schemas/generated/types.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { bytes } from '../format/amounts.ts';
import { phase } from '../format/phases.ts';
import { reportLines } from '../format/report.ts';
import { sampleTable } from '../format/sample.ts';
import { duration, localTime, relative } from '../format/times.ts';
import { suggestionText, usageTable, usageText } from '../format/usage.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';
import { took } from './runs.ts';

type Options = AskOptions & { readonly manifest?: boolean; readonly diff?: boolean };

export async function show(name: string, options: Options, terminal: Terminal): Promise<ExitCode> {
  if (options.manifest || options.diff) {
    const { showManifest, showDifference } = await import('./show-manifest.ts');
    return (options.diff ? showDifference : showManifest)(name, options, terminal);
  }
  const client = await connect(options);
  let run: RunDetail;
  try {
    run = await client.run(name);
  } catch (error) {
    if ((error as { code?: string }).code !== 'unknown-run') throw error;
    // It may be the name of a pipeline. When that is unknown too, the run was probably meant.
    const usage = await client.usage(name).catch(() => Promise.reject(error));
    return showUsage(usage, options, terminal);
  }
  if (options.output === 'json') terminal.json(run);
  else {
    for (const part of runText(run, terminal)) terminal.out(part);
    for (const line of await suggestions(run, client)) terminal.out(line);
  }
  return exitCodes.ok;
}

/** Of a pipeline: what its last runs used, and requests that would fit. */
function showUsage(usage: PipelineUsage, { output }: AskOptions, terminal: Terminal): ExitCode {
  if (output === 'json') terminal.json(usage);
  else if (usage.tasks.length > 0) terminal.out(usageTable(usage, terminal));
  else terminal.out(`No run of pipeline "${usage.pipeline}" has told yet what it used; only runners in a cluster do.`);
  return exitCodes.ok;
}

async function suggestions({ pipeline, tasks }: RunDetail, client: Client): Promise<string[]> {
  if (!tasks.some(({ attempts }) => attempts.some(({ report }) => report?.usage))) return [];
  const usage = await client.usage(pipeline);
  const lines = usage.tasks
    .map((task) => [task, suggestionText(task)] as const)
    .filter(([task, text]) => text !== '' && tasks.some(({ name }) => name === task.task))
    .map(([task, text]) => `Requests that would fit task ${task.task} better, by the last runs: ${text}`);
  return lines.length > 0 ? ['', ...lines] : [];
}

function runText(run: RunDetail, terminal: Terminal): string[] {
  const { colors } = terminal;
  const title = [colors.bold(run.name), phase(run.phase, colors), run.reason ?? ''].filter(Boolean).join('  ');
  const sample = lastSample(run.tasks);
  return [
    title,
    ...[run.message ?? [], run.waitsFor ?? []].flat(),
    '',
    ...facts(run, terminal),
    ...run.tasks.flatMap((task) => ['', ...taskLines(task, terminal)]),
    ...(sample ? ['', sampleTable(sample, terminal)] : []),
  ];
}

function facts(run: RunDetail, terminal: Terminal): string[] {
  const now = terminal.now();
  const at = (time: string | null) => time && `${localTime(time, 'UTC')} UTC (${relative(time, now)})`;
  const variables = Object.entries(run.variables).map(([name, value]) => `${name}=${value}`);
  const rows: [string, string | null][] = [
    ['Pipeline', run.pipeline],
    ['Window', run.window && `${localTime(run.window.start, 'UTC')} to ${localTime(run.window.end, 'UTC')} UTC`],
    ['Late', run.lateAt && `its window had not succeeded by ${at(run.lateAt)}`],
    ['Trigger', run.runNo > 1 ? `${run.trigger}, run ${run.runNo} of this window` : run.trigger],
    ['Version', `${run.version.slice(0, 12)} of revision ${run.revision.slice(0, 12)}`],
    ['Manifest', `${run.file} of source ${run.source}`],
    ['Image', imagesOf(run).join(', ')],
    ['Variables', variables.join(', ')],
    ['Queued', at(run.queuedAt)],
    ['Started', at(run.startedAt)],
    ['Finished', run.finishedAt && `${at(run.finishedAt)}${run.startedAt ? `, took ${took(run, now)}` : ''}`],
  ];
  return rows
    .filter(([, value]) => value)
    .map(([name, value]) => `${terminal.colors.dim(`${name}:`.padEnd(11))}${value}`);
}

/** Each once: tasks of one run have mostly the same. */
function imagesOf({ tasks }: RunDetail): string[] {
  return [...new Set(tasks.flatMap(({ attempts }) => attempts.flatMap(({ image }) => image ?? [])))];
}

function taskLines(task: TaskDetail, terminal: Terminal): string[] {
  const { colors } = terminal;
  const waits =
    task.phase === 'Pending' && task.needs.length > 0 ? `waits for ${task.needs.join(', ')}` : (task.waitsFor ?? '');
  const taken = task.takenFrom === null ? '' : `taken over from ${task.takenFrom}`;
  const head = [`Task ${colors.bold(task.name)}`, phase(task.phase, colors), task.reason ?? '', taken, waits]
    .filter(Boolean)
    .join('  ');
  const last = task.attempts.length - 1;
  return [head, ...task.attempts.flatMap((attempt, i) => attemptLines(attempt, i === last, terminal))];
}

/** All of the last attempt; of those before it only how they ended. */
function attemptLines(attempt: AttemptDetail, isLast: boolean, terminal: Terminal): string[] {
  const { report, message } = attempt;
  const parts = [
    `attempt ${attempt.number}`,
    phase(attempt.phase, terminal.colors),
    attempt.reason ?? '',
    report ? duration(report.durationMs) : '',
    report ? memoryText(report) : '',
  ];
  const head = `  ${parts.filter(Boolean).join('  ')}`;
  if (report && isLast) return [head, ...reportLines(report, terminal).map((line) => `    ${line}`)];
  const why = report?.error?.message ?? message;
  return why ? [head, why.replace(/^/gm, '    ')] : [head];
}

function memoryText({ usage, peakMemoryBytes, durationMs }: TaskReport): string {
  if (usage) return usageText(usage, durationMs);
  return peakMemoryBytes ? `${bytes(peakMemoryBytes)} at most` : '';
}

function lastSample(tasks: readonly TaskDetail[]): Sample | null {
  const samples = tasks.flatMap((task) => task.attempts.at(-1)?.report?.sample ?? []);
  return samples.at(-1) ?? null;
}
