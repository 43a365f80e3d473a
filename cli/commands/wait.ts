import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../controller/api/client.ts';
import type { RunDetail } from '../../schemas/generated/types.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { phase } from '../format/phases.ts';
import { errorLines } from '../format/report.ts';
import { duration } from '../format/times.ts';
import type { OutputFormat, Terminal } from '../terminal.ts';
import { took } from './runs.ts';

const everyMs = 300;

/** Tells the run that a request made, as JSON with all of its `answer`; with `wait` also how it ended, which then decides the exit code. */
export async function tellRun(
  client: Client,
  name: string,
  { output, wait = false }: { output: OutputFormat; wait?: boolean },
  terminal: Terminal,
  answer: object = { run: name },
): Promise<ExitCode> {
  const json = output === 'json';
  if (!json) terminal.out(name);
  if (!wait) {
    if (json) terminal.json(answer);
    return exitCodes.ok;
  }
  const run = await untilSettled(client, name, terminal);
  if (json) terminal.json({ run: name, phase: run.phase, reason: run.reason, message: run.message });
  else for (const line of endLines(run, terminal)) terminal.error(line);
  return run.phase === 'Failed' || run.phase === 'Cancelled' ? exitCodes.failed : exitCodes.ok;
}

function untilSettled(client: Client, name: string, terminal: Terminal): Promise<RunDetail> {
  const { now } = terminal;
  const since = now().getTime();
  return until(terminal, {
    look: () => client.run(name),
    isOver: (run) => run.finishedAt !== null,
    progress: ({ phase, tasks }) => {
      const done = tasks.filter((task) => task.phase === 'Succeeded').length;
      return `${name}  ${phase}  ${done} of ${tasks.length} tasks  ${duration(now().getTime() - since)}`;
    },
  });
}

/** Looks now and then, and tells how it goes, until it is over. */
export async function until<T>(
  { progress }: Terminal,
  what: { look: () => Promise<T>; isOver: (found: T) => boolean; progress: (found: T) => string },
): Promise<T> {
  try {
    for (;;) {
      const found = await what.look();
      if (what.isOver(found)) return found;
      progress?.show(what.progress(found));
      await sleep(everyMs);
    }
  } finally {
    progress?.clear();
  }
}

function endLines(run: RunDetail, { errorColors, now }: Terminal): string[] {
  const head = [phase(run.phase, errorColors), run.reason ?? '', took(run, now())].filter(Boolean).join('  ');
  const errors = run.tasks.flatMap((task) => {
    const report = task.attempts.at(-1)?.report;
    return report?.error ? errorLines(report.error, report.reason, errorColors) : [];
  });
  return [head, ...(run.message === null ? [] : [run.message]), ...errors];
}
