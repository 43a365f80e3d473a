import { availableParallelism, constants } from 'node:os';
import { Writable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { type Logger, pino } from 'pino';
import { startController } from '../controller/main.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { hooksOf, type SourceOptions } from './git-options.ts';
import { placeOf, sourcesOf } from './source-options.ts';
import type { OutputFormat, Terminal } from './terminal.ts';

/**
 * A second signal within this time is the same key: npm and a launcher pass Ctrl-C on to a child that the terminal has told
 * already. Milliseconds.
 */
const sameKeyMs = 500;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type StartOptions = SourceOptions & {
  readonly home: string;
  readonly port: number;
  readonly databaseUrl?: string;
  readonly allowEnv: readonly string[];
  readonly maxProcesses?: number;
  readonly maxActiveRuns?: number;
  readonly maxActiveRunsPerSource?: number;
  /** Ms; of windows undefined for ever. */
  readonly retainRuns: number;
  readonly retainPerPipeline: number;
  readonly retainLogs: number;
  readonly retainWindows?: number;
  /** File with the JobsConfig. */
  readonly jobs?: string;
  readonly output: OutputFormat;
};

/** Runs the controller until a signal comes. */
export async function start(options: StartOptions, terminal: Terminal): Promise<ExitCode> {
  keepHeapSmall();
  const stop = new AbortController();
  const log = createLog(options.output, terminal);
  const say = (text: string) => (options.output === 'json' ? log.info(text) : terminal.error(text));
  const listener = onSignals(stop, say);
  const sources = await sourcesOf(options, process.env, terminal);
  const hooks = hooksOf(options, process.env);
  try {
    await startController({
      sources,
      ...(hooks === undefined ? {} : { hooks }),
      home: options.home,
      port: options.port,
      databaseUrl: options.databaseUrl,
      executor: await executorOf(options),
      limits: limitsOf(options),
      retention: {
        runsMs: options.retainRuns,
        runsPerPipeline: options.retainPerPipeline,
        logsMs: options.retainLogs,
        windowsMs: options.retainWindows ?? null,
      },
      environment: process.env,
      signal: stop.signal,
      log,
      onReady: (url) => {
        const ready = options.output === 'json' ? 'ready' : terminal.errorColors.green('ready');
        say(
          `${ready} at ${url}, watching ${sources.map(({ declaration }) => placeOf(declaration)).join(', ')}; Ctrl-C stops`,
        );
      },
    });
    if (stop.signal.aborted)
      say(
        options.databaseUrl
          ? 'stopped; tasks that were running go on and are taken up by the next start'
          : 'stopped; tasks that were running are tried again by the next start',
      );
    return exitCodes.ok;
  } finally {
    for (const signal of signals) process.off(signal, listener);
  }
}

/**
 * V8 lets garbage grow to several times of what is in use before it looks for it. A controller works in bursts, a sync of thousands
 * of manifests above all, and holds little between them: half the memory for hardly any time.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=30');
}

function limitsOf({ maxActiveRuns, maxActiveRunsPerSource }: StartOptions) {
  return {
    ...(maxActiveRuns === undefined ? {} : { maxActiveRuns }),
    ...(maxActiveRunsPerSource === undefined ? {} : { maxActiveRunsPerSource }),
  };
}

async function executorOf({ jobs, allowEnv, maxProcesses }: StartOptions) {
  if (jobs === undefined) {
    return { kind: 'processes', allowEnv, maxProcesses: maxProcesses ?? Math.max(2, availableParallelism()) } as const;
  }
  const { readJobsConfig } = await import('./jobs-config.ts');
  return { kind: 'jobs', config: await readJobsConfig(jobs) } as const;
}

function onSignals(stop: AbortController, say: (text: string) => void): NodeJS.SignalsListener {
  let first: number | null = null;
  const listener: NodeJS.SignalsListener = (signal: NodeJS.Signals) => {
    const now = performance.now();
    if (first !== null && now - first < sameKeyMs) return;
    // As a shell reports a process that the signal has ended.
    if (first !== null) process.exit(128 + constants.signals[signal]);
    first = now;
    say('stopping; once more leaves at once');
    stop.abort();
  };
  for (const signal of signals) process.on(signal, listener);
  return listener;
}

function createLog(output: OutputFormat, terminal: Terminal): Logger {
  const level = process.env.PIPEWRIGHT_LOG_LEVEL ?? 'info';
  if (output === 'json') return pino({ level }, process.stderr);
  const lines = new Writable({
    write(chunk: Buffer, _encoding, done) {
      terminal.error(logLine(JSON.parse(String(chunk)), terminal));
      done();
    },
  });
  return pino({ level, base: null }, lines);
}

const levels: Record<number, { name: string; color: 'red' | 'yellow' | 'cyan' | 'gray' }> = {
  60: { name: 'fatal', color: 'red' },
  50: { name: 'error', color: 'red' },
  40: { name: 'warn', color: 'yellow' },
  30: { name: 'info', color: 'cyan' },
};

/** A log record for a person: `12:00:01 info run settled run=taxi-2019-01 phase=Succeeded`. */
function logLine(record: Record<string, unknown>, { errorColors }: Terminal): string {
  const { time, level, msg, err, ...rest } = record;
  const { name, color } = levels[Number(level)] ?? { name: 'debug', color: 'gray' as const };
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  const fields = Object.entries(rest).flatMap(([key, value]) => (value === null ? [] : [`${key}=${fieldText(value)}`]));
  const error = err === undefined ? [] : [errorText(err as LoggedError, Number(level))];
  return [
    errorColors.dim(clock),
    errorColors[color](name.padEnd(5)),
    String(msg ?? ''),
    errorColors.dim(fields.join(' ')),
    ...error,
  ]
    .filter((part) => part !== '')
    .join(' ');
}

type LoggedError = { readonly message?: string; readonly stack?: string };

/** What is worth a warning has a sentence of its own; where in the program it arose matters only for what must not happen. */
function errorText(error: LoggedError, level: number): string {
  return (level < 50 ? error.message : error.stack) ?? JSON.stringify(error);
}

/** On one line, whatever it is. */
function fieldText(value: unknown): string {
  return typeof value === 'string' && !/[\s"]/.test(value) ? value : JSON.stringify(value);
}
