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

/** Tells the run that a request made; with `wait` also how it ended, which then decides the exit code. */
export async function tellRun(
  client: Client,
  name: string,
  { output, wait = false }: { output: OutputFormat; wait?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const json = output === 'json';
  if (!json) terminal.out(name);
  if (!wait) {
    if (json) terminal.json({ run: name });
    return exitCodes.ok;
  }
  const run = await untilSettled(client, name, terminal);
  if (json) terminal.json({ run: name, phase: run.phase, reason: run.reason, message: run.message });
  else for (const line of endLines(run, terminal)) terminal.error(line);
  return run.phase === 'Failed' || run.phase === 'Cancelled' ? exitCodes.failed : exitCodes.ok;
}

async function untilSettled(client: Client, name: string, { progress, now }: Terminal): Promise<RunDetail> {
  const since = now().getTime();
  try {
    for (;;) {
      const run = await client.run(name);
      if (run.finishedAt !== null) return run;
      const done = run.tasks.filter((task) => task.phase === 'Succeeded').length;
      progress?.show(
        `${name}  ${run.phase}  ${done} of ${run.tasks.length} tasks  ${duration(now().getTime() - since)}`,
      );
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
