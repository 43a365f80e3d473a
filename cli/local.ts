import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { onProcesses } from '../controller/manifests/place.ts';
import type { Progress } from '../runner/progress.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { compileFolder } from './folder.ts';
import { bytes, counted } from './format/amounts.ts';
import { phase } from './format/phases.ts';
import { problemText } from './format/problems.ts';
import { errorLines, reportLines } from './format/report.ts';
import { sampleTable } from './format/sample.ts';
import { duration, localTime } from './format/times.ts';
import { localEnvironment } from './local/environment.ts';
import { findPipeline, type LocalPlan, planLocal } from './local/plan.ts';
import { type LocalRun, runTasks, type TaskOutcome } from './local/tasks.ts';
import type { OutputFormat, Terminal } from './terminal.ts';

export type LocalOptions = {
  readonly dir: string;
  readonly home: string;
  readonly env?: string;
  readonly window?: string;
  readonly var: Record<string, string>;
  readonly output: OutputFormat;
};

/** Runs a pipeline of a folder in this process, without a controller: what a person who writes one repeats all day. */
export async function runLocal(name: string, options: LocalOptions, terminal: Terminal): Promise<ExitCode> {
  const folder = await compileFolder(options.dir, { place: onProcesses, environment: options.env });
  if (folder.broken.includes(name)) {
    const own = folder.problems.filter((problem) => problem.pipeline === undefined || problem.pipeline === name);
    for (const problem of own)
      terminal.error(problemText({ ...problem, file: join(options.dir, problem.file) }, terminal.errorColors));
  }
  const plan = planLocal(findPipeline(name, folder, options.dir), options, terminal.now());
  const environment = await localEnvironment(plan.pipeline, options.home, process.env);
  const stop = stopOnSignal(terminal);
  const scratch = await mkdtemp(join(tmpdir(), 'pipewright-'));
  try {
    const outcomes = await follow(
      { plan, environment, folder: scratch, signal: stop.signal, ...lines(terminal) },
      options,
      terminal,
    );
    return stop.code() ?? (outcomes.some(isBad) ? exitCodes.failed : exitCodes.ok);
  } finally {
    stop.release();
    await rm(scratch, { recursive: true, force: true });
  }
}

const isBad = ({ phase }: TaskOutcome) => phase === 'Failed' || phase === 'Cancelled';

async function follow(run: LocalRun, options: LocalOptions, terminal: Terminal): Promise<TaskOutcome[]> {
  const json = options.output === 'json';
  const began = performance.now();
  if (!json) terminal.out(titleOf(run.plan, terminal));
  const outcomes: TaskOutcome[] = [];
  for await (const outcome of runTasks(run)) {
    terminal.progress?.clear();
    outcomes.push(outcome);
    if (!json) for (const line of outcomeLines(outcome, options.dir, terminal)) terminal.out(line);
  }
  if (json) terminal.json(outcomeJson(run.plan, outcomes));
  else for (const line of closing(outcomes, performance.now() - began, terminal)) terminal.out(line);
  return outcomes;
}

function titleOf({ pipeline, window }: LocalPlan, { colors }: Terminal): string {
  const { timeZone } = pipeline.bundle;
  const bounds = window && `${localTime(window.start, timeZone)} to ${localTime(window.end, timeZone)} ${timeZone}`;
  return `${colors.bold(pipeline.name)}${window ? ` for ${window.label} (${bounds})` : ''}`;
}

function outcomeLines(
  { name, phase: ended, reason, message, report }: TaskOutcome,
  dir: string,
  terminal: Terminal,
): string[] {
  const took = report ? duration(report.durationMs) : '';
  const head = [`Task ${terminal.colors.bold(name)}`, phase(ended, terminal.colors), reason ?? '', took]
    .filter(Boolean)
    .join('  ');
  const body = report
    ? reportLines(withFolder(report, dir), terminal)
    : message === null
      ? []
      : errorLines({ message }, reason, terminal.colors);
  return ['', head, ...body.map((line) => `  ${line}`)];
}

/** Places in files as the person can open them. */
function withFolder(report: NonNullable<TaskOutcome['report']>, dir: string): NonNullable<TaskOutcome['report']> {
  const { error } = report;
  return error?.file === undefined ? report : { ...report, error: { ...error, file: join(dir, error.file) } };
}

function closing(outcomes: readonly TaskOutcome[], ms: number, terminal: Terminal): string[] {
  const sample = outcomes.flatMap((outcome) => outcome.report?.sample ?? []).at(-1);
  const end = `${phase(runPhase(outcomes), terminal.colors)} in ${duration(ms)}`;
  return [...(sample ? ['', sampleTable(sample, terminal)] : []), '', end];
}

/** By the rules by which the controller settles a run. */
function runPhase(outcomes: readonly TaskOutcome[]): TaskOutcome['phase'] {
  const has = (phase: TaskOutcome['phase']) => outcomes.some((outcome) => outcome.phase === phase);
  if (has('Failed')) return 'Failed';
  if (has('Cancelled')) return 'Cancelled';
  return has('Succeeded') ? 'Succeeded' : 'Skipped';
}

function outcomeJson({ pipeline, window }: LocalPlan, outcomes: readonly TaskOutcome[]) {
  const shown = window && { start: window.start, end: window.end, label: window.label };
  return { pipeline: pipeline.name, window: shown, phase: runPhase(outcomes), tasks: outcomes };
}

/** The runner's log goes to stderr, around the line that shows progress. */
function lines({ progress, error, errorColors }: Terminal): Pick<LocalRun, 'log' | 'progress'> {
  return {
    log: (line) => {
      progress?.clear();
      error(errorColors.dim(line));
    },
    progress: (of) => progress?.show(progressText(of)),
  };
}

function progressText({ block, rows, bytes: size, totalBytes }: Progress): string {
  const total = totalBytes === null ? '' : ` of ${bytes(totalBytes)}`;
  const parts = [block, rows === null ? '' : counted(rows, 'row'), size === null ? '' : `${bytes(size)}${total}`];
  return parts.filter(Boolean).join('  ');
}

/** The first Ctrl-C ends the task and cleans up; a second one leaves at once. */
function stopOnSignal(terminal: Terminal) {
  const stop = new AbortController();
  let code: ExitCode | null = null;
  const listener = (signal: NodeJS.Signals) => {
    if (code !== null) process.exit(code);
    code = 128 + constants.signals[signal];
    terminal.error('stopping; once more leaves at once');
    stop.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, listener);
  return {
    signal: stop.signal,
    /** Null when no signal came. */
    code: () => code,
    release: () => {
      for (const signal of signals) process.off(signal, listener);
    },
  };
}
